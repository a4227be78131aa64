"""The running trainings, live."""

import contextlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vaematrix.common.errors import UserError
from vaematrix.common.records import RUN_GLOB
from vaematrix.training.history import duel_text

NUMBERS = ("epoch", "epochs", "loss", "valid_loss", "kl", "images_per_second", "seconds")
DUEL = ("adversarial_weight", "gradient_ratio", "real_accuracy", "reconstruction_accuracy", "sample_accuracy")
COLUMNS = ("run", "epoch", "", "loss", "valid", "KL", "images/s", "left", "last heard of", "discriminator")


@dataclass(frozen=True)
class Run:
    """One training, from its folder.

    Attributes:
        records: the lines of history.jsonl; None where one of them cannot be read.
        changed: when that file last did, in seconds since 1970. done: whether run.json is there, which is written last.
    """

    name: str
    records: list[dict[str, Any]] | None
    changed: float
    done: bool

    @classmethod
    def of(cls, history: Path, root: Path) -> "Run":
        try:
            records = [_record(line) for line in history.read_text(encoding="utf-8").splitlines()]
        except (ValueError, TypeError, KeyError):
            records = None
        name = history.parent.relative_to(root).as_posix()
        return cls(name, records, history.stat().st_mtime, (history.parent / "run.json").exists())

    def left(self, now: float) -> float | None:
        """Seconds until the last epoch ends, at the median epoch's speed; None before the first has ended."""
        if not self.records:
            return None
        epochs = self.records[-1]["epochs"] - self.records[-1]["epoch"]
        return max(0.0, epochs * median(record["seconds"] for record in self.records) - (now - self.changed))


def find(folders: Iterable[Path]) -> list[Run]:
    """All trainings under the folders; one whose file is being replaced at this moment is left out."""
    runs = []
    for folder in folders:
        for history in sorted(folder.glob(f"**/{RUN_GLOB}/history.jsonl")):
            with contextlib.suppress(FileNotFoundError):
                runs.append(Run.of(history, folder))
    return runs


def table(runs: list[Run], now: float) -> Table:
    """One line for each running training; the finished ones are counted."""
    done = sum(run.done for run in runs)
    shown = Table(*COLUMNS, title=f"{len(runs) - done} running, {done} finished", title_justify="left", box=None)
    for column in shown.columns[3:]:
        column.justify = "right"
    for run in runs:
        if not run.done:
            shown.add_row(*row(run, now))
    return shown


def row(run: Run, now: float) -> tuple[Any, ...]:
    name, ago = Text(run.name), f"{clock(now - run.changed)} ago"  # Text: in a string, rich takes [ … ] for markup
    if run.records is None:
        return (name, "–", "history.jsonl is damaged", *["–"] * 5, ago, "–")
    if not run.records:
        return (name, "1", "in its first epoch", *["–"] * 5, ago, "–")
    last = run.records[-1]
    return (
        name,
        f"{last['epoch']}/{last['epochs']}",
        ProgressBar(total=last["epochs"], completed=last["epoch"], width=20),
        *(f"{last[name]:,.1f}" for name in ("loss", "valid_loss", "kl")),
        f"{last['images_per_second']:,.0f}",
        clock(run.left(now)),
        ago,
        duel_text(last) if last.keys() >= set(DUEL) else "–",
    )


def _record(line: str) -> dict[str, float]:
    """The numbers of one line of history.jsonl. Raises ValueError, TypeError or KeyError where it is no such line."""
    record = json.loads(line)
    return {name: 0 + record[name] for name in NUMBERS} | {name: 0 + record[name] for name in DUEL if name in record}


def clock(seconds: float | None) -> str:
    """4 s, 3:05 or 2:03:05."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def watch(folders: Sequence[Path], once: bool = False) -> None:
    """Show the trainings under the folders until Ctrl-C; where the terminal is none, or `once` is asked for, once.

    Raises:
        UserError: a folder is absent.
    """
    if absent := [str(folder) for folder in folders if not folder.is_dir()]:
        raise UserError(f"there is no folder {absent[0]}; start an experiment, or name its folder of results")
    console = Console()
    if once or not console.is_terminal:
        console.print(table(find(folders), time.time()))
        return
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(table(find(folders), time.time()), refresh=True)
            time.sleep(1)
