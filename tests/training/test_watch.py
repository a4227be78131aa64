"""The running trainings in a terminal and in TensorBoard."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from vaematrix.training import watch
from vaematrix.training.tensorboard import EventLog


def history(folder: Path, epochs: int, changed: float, **values: float) -> None:
    folder.mkdir(parents=True)
    records = [
        {"epoch": epoch, "epochs": 10, "loss": -1234.56, "valid_loss": 7.0, "kl": 3.21, "images_per_second": 2345.6,
         "seconds": 60.0, **values}
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip
    (folder / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    os.utime(folder / "history.jsonl", (changed, changed))


def test_time_left_is_the_epochs_left_less_the_time_since_the_last(tmp_path: Path) -> None:
    history(tmp_path / "vae/seed-0", 4, changed=1000)
    (run,) = watch.find([tmp_path])
    assert run.name == "vae/seed-0"
    assert run.left(1000) == 6 * 60
    assert run.left(1030) == 6 * 60 - 30
    assert run.left(9999) == 0


def test_a_training_in_its_first_epoch_and_a_finished_one(tmp_path: Path) -> None:
    history(tmp_path / "a/seed-0", 0, changed=1000)
    history(tmp_path / "b/seed-1", 10, changed=1000)
    (tmp_path / "b/seed-1/run.json").write_text("{}")
    first, finished = watch.find([tmp_path])
    assert (first.left(1000), first.done) == (None, False)
    assert finished.done


def test_what_the_terminal_shows(tmp_path: Path) -> None:
    history(tmp_path / "results/demo/vae/seed-0", 4, changed=1000)
    history(tmp_path / "results/demo/vae/seed-1", 10, changed=1000)
    (tmp_path / "results/demo/vae/seed-1/run.json").write_text("{}")
    command = [sys.executable, "-m", "vaematrix", "watch", "--once"]
    shown = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "COLUMNS": "140"}, capture_output=True, text=True, check=True
    ).stdout
    assert "1 running, 1 finished" in shown
    (line,) = [line for line in shown.splitlines() if "seed-0" in line]
    for part in ("demo/vae/seed-0", "4/10", "-1,234.6", "7.0", "3.2", "2,346"):
        assert part in line
    assert "seed-1" not in shown


def test_a_duel_is_shown_and_a_plain_training_has_none(tmp_path: Path) -> None:
    duel = {"adversarial_weight": 0.2, "gradient_ratio": 1234.5, "real_accuracy": 0.98}
    duel |= {"reconstruction_accuracy": 0.953, "sample_accuracy": 1.0, "discriminator_loss": 0.1}
    history(tmp_path / "a/seed-0", 4, changed=1000, **duel)
    history(tmp_path / "b/seed-0", 4, changed=1000)
    shown = printed(watch.table(watch.find([tmp_path]), 1000))
    assert "w 0.20, λ 1234, right 98/95/100 %" in next(line for line in shown if "a/seed-0" in line)
    assert next(line for line in shown if "b/seed-0" in line).rstrip().endswith("–")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vaematrix", "watch", "results/dmo"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == "error: there is no folder results/dmo; start an experiment, or name its folder of results\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (4.4, "4 s"), (185, "3:05"), (7385, "2:03:05"), (3599.7, "1:00:00"), (-3, "0 s")]
)
def test_clock(seconds: float | None, text: str) -> None:
    assert watch.clock(seconds) == text


def test_tensorboard_reads_each_epoch_once(tmp_path: Path) -> None:
    """Also those that were trained twice, because the run was interrupted after its last checkpoint."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first = EventLog(tmp_path)
    for epoch in (1, 2, 3):
        first({"epoch": epoch, "epochs": 4, "loss": float(epoch)})
    again = EventLog(tmp_path)
    for epoch in (3, 4):
        again({"epoch": epoch, "epochs": 4, "loss": 10.0 * epoch})
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["loss"]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 1), (2, 2), (3, 30), (4, 40)]


@pytest.mark.parametrize(
    "line", ["", "{", "[1]", "null", '{"epoch": 1}', '{"epoch": "1", "epochs": 2, "loss": "x"}', "\xff"]
)
def test_a_damaged_history_is_said_and_the_others_are_shown(line: str, tmp_path: Path) -> None:
    history(tmp_path / "a/seed-0", 4, changed=1000)
    history(tmp_path / "b/seed-0", 4, changed=1000)
    with (tmp_path / "a/seed-0/history.jsonl").open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    shown = printed(watch.table(watch.find([tmp_path]), 1000))
    assert "damaged" in next(line for line in shown if "a/seed-0" in line)
    assert "4/10" in next(line for line in shown if "b/seed-0" in line)


@pytest.mark.parametrize("name", ["vae[imq]", "[/oops]", "[red]", ":smile:"])
def test_names_are_no_markup(name: str, tmp_path: Path) -> None:
    history(tmp_path / name / "seed-0", 4, changed=1000)
    assert f"{name}/seed-0" in "".join(printed(watch.table(watch.find([tmp_path]), 1000)))


def printed(table: Table) -> list[str]:
    console = Console(width=140, file=io.StringIO())
    console.print(table)
    return console.file.getvalue().splitlines()
