"""The training loop: the same weights however often it is killed, and a clear end when it cannot go on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_training
from vaematrix.common.errors import Interrupted, UserError
from vaematrix.data.batches import Batches
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build
from vaematrix.training import checkpoint
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings
from vaematrix.training.validation import validate

ADVERSARY = {"weight": 0.5, "start": 0.1, "full": 0.7}  # it rises in the first epoch, and still does in the second


def run(folder: Path, *death: str, adversary: dict[str, float] | None = None) -> subprocess.CompletedProcess[str]:
    library = Path(training.__file__).parents[2]
    return subprocess.run(
        [sys.executable, tiny_training.__file__, str(folder), json.dumps(adversary), *death],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(library)},
    )


def history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def timeless(records: list[dict[str, float]]) -> list[dict[str, float]]:
    clocks = {"seconds", "images_per_second", "peak_memory_mb"}
    return [{key: value for key, value in record.items() if key not in clocks} for record in records]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, float]]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return tiny_training.main(folder), timeless(history(folder))


@pytest.mark.parametrize(
    ("event", "count", "signal_number"),
    [
        ("step", 1, signal.SIGKILL),  # before anything was saved
        ("step", 6, signal.SIGKILL),  # in the middle of an epoch
        ("step", 9, signal.SIGKILL),  # in the first step of an epoch
        ("write", 1, signal.SIGKILL),  # half of the first checkpoint written
        ("write", 5, signal.SIGKILL),  # half of a later one, which must not replace the one before
        ("write", 12, signal.SIGKILL),  # half of the last
        ("term", 7, None),  # asked to stop
        ("term", 8, None),  # asked to stop in an epoch's last step
    ],
)
def test_killed_and_continued_ends_with_bit_identical_weights(
    event: str, count: int, signal_number: int | None, tmp_path: Path, undisturbed: tuple[str, list[dict[str, float]]]
) -> None:
    killed = run(tmp_path, event, str(count))
    assert killed.returncode == (-signal_number if signal_number else 1), killed.stderr
    assert tiny_training.main(tmp_path) == undisturbed[0]
    assert timeless(history(tmp_path)) == undisturbed[1]


@pytest.mark.parametrize(("event", "count"), [("step", 2), ("step", 3), ("step", 7), ("write", 5), ("term", 8)])
def test_a_killed_adversarial_training_ends_with_bit_identical_weights(
    event: str, count: int, tmp_path: Path, undisturbed_duel: tuple[str, dict[str, torch.Tensor]]
) -> None:
    """The discriminator, its Adam and its power iterations are continued, too."""
    assert run(tmp_path, event, str(count), adversary=ADVERSARY).returncode != 0
    assert tiny_training.main(tmp_path, adversary=ADVERSARY) == undisturbed_duel[0]
    state = load_file(tmp_path / "checkpoint-k/state.safetensors")
    assert state.keys() == undisturbed_duel[1].keys()
    assert any(name.startswith("discriminator.optimiser.") for name in state)
    for name, tensor in undisturbed_duel[1].items():
        assert torch.equal(state[name], tensor), name


@pytest.fixture(scope="module")
def undisturbed_duel(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, torch.Tensor]]:
    folder = tmp_path_factory.mktemp("undisturbed_duel")
    digest = tiny_training.main(folder, adversary=ADVERSARY)
    return digest, load_file(folder / "checkpoint-k/state.safetensors")


def test_killed_again_and_again(tmp_path: Path, undisturbed: tuple[str, list[dict[str, float]]]) -> None:
    for _ in range(4):
        assert run(tmp_path, "step", "3").returncode == -signal.SIGKILL
    assert run(tmp_path).stdout.strip() == undisturbed[0]


def test_a_finished_training_is_not_done_again(tmp_path: Path, undisturbed: tuple[str, list[dict[str, float]]]) -> None:
    assert tiny_training.main(tmp_path) == undisturbed[0]
    assert run(tmp_path, "step", "1").stdout.strip() == undisturbed[0]  # it would die in its first step


def test_history_is_what_the_equations_make_of_it(undisturbed: tuple[str, list[dict[str, float]]]) -> None:
    for record in undisturbed[1]:
        assert record["loss"] == pytest.approx(record["nll"] + record["kl"] + 999 * record["mmd"], rel=1e-5)
        assert record["beta_eff"] == pytest.approx(record["sigma"] ** 2)  # α = 0: the KL's weight is 1
        assert record["sigma"] ** 2 == pytest.approx(record["mse"], rel=1e-5)  # calibrated
    assert [record["epoch"] for record in undisturbed[1]] == [1, 2, 3]


def test_the_capacity_form_is_told_without_beta_eff(tmp_path: Path) -> None:
    model = build("beta_vae", Network(16, (4, 8), 5, 3), None, {"capacity": 3.0})
    faces = tiny_training.split(35, 0)
    training.train(model, faces, faces, Settings(1, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")
    record = json.loads((tmp_path / "h.jsonl").read_text())
    assert "beta_eff" not in record
    assert record["sigma"] > 0


def test_two_processes_never_train_the_same_run(tmp_path: Path) -> None:
    folder = tmp_path / "seed-0"
    script = (
        "import sys, time; from pathlib import Path; from vaematrix.training.checkpoint import one_process\n"
        "with one_process(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    library = str(Path(training.__file__).parents[2])
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": library},
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"another process.*pid {other.pid}"), checkpoint.one_process(folder):
            pass
    finally:
        other.kill()
        other.wait()
    with checkpoint.one_process(folder):  # killed, so the run is free again
        pass


def tiny(family: str = "vae", sigma: float | None = None) -> training.Autoencoder:
    torch.manual_seed(0)
    return build(family, Network(16, (4, 8), 5, 3), sigma, {})


def optimised(model: training.Autoencoder) -> dict[str, checkpoint.Optimised]:
    return {"autoencoder": checkpoint.Optimised(model, torch.optim.Adam(model.parameters()))}


def test_a_training_whose_walltime_is_nearly_over_saves_and_stops_by_itself(tmp_path: Path) -> None:
    faces, valid = tiny_training.split(35, 0), tiny_training.split(10, 1)
    settings = Settings(3, 8, 1e-3)
    folder, lines = tmp_path / "c", tmp_path / "h.jsonl"
    with pytest.raises(Interrupted, match="walltime"):
        training.train(tiny(), faces, valid, settings, 0, folder, lines, stop_at=time.time())
    stopped = checkpoint.load(folder / "state.safetensors", optimised(tiny()))
    assert stopped.step == 1, "one step is done, and its work is kept"
    progress = training.train(tiny(), faces, valid, settings, 0, folder, lines, stop_at=time.time() + 600)
    assert progress.sessions == 2


def test_a_broken_term_stops_the_run_and_is_named(tmp_path: Path) -> None:
    model = tiny()
    with torch.no_grad():
        model.encoder.head.bias[5:] = 200.0  # a log variance of 200: exp overflows, and with it the KL
    faces = tiny_training.split(35, 0)
    with pytest.raises(UserError, match=r"epoch 1.*kl = .*learning_rate"):
        training.train(model, faces, faces, Settings(1, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")
    assert not (tmp_path / "c" / "state.safetensors").exists(), "broken weights must not become a checkpoint"


def test_an_exploding_learning_rate_is_noticed(tmp_path: Path) -> None:
    faces = tiny_training.split(35, 0)
    with pytest.raises(UserError, match="training broke in epoch"):
        training.train(tiny(sigma=0.01), faces, faces, Settings(40, 8, 1e3), 0, tmp_path / "c", tmp_path / "h.jsonl")


def test_a_split_smaller_than_a_batch_is_refused(tmp_path: Path) -> None:
    faces = tiny_training.split(35, 0)
    with pytest.raises(UserError, match="batch_size 64 exceeds the 35 images"):
        training.train(tiny(), faces, faces, Settings(1, 64, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")


@pytest.mark.parametrize("family", ["info_vae", "vae"])
def test_one_validation_image_is_refused_with_its_reason(tmp_path: Path, family: str) -> None:
    """Its code has no MMD: InfoVAE's training seemed to break, and a lower learning rate was advised."""
    faces, valid = tiny_training.split(35, 0), tiny_training.split(1, 1)
    with pytest.raises(UserError, match=r"validation split has 1 image and needs 2"):
        training.train(tiny(family), faces, valid, Settings(1, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")
    assert not (tmp_path / "c").exists(), "before any step"


def test_a_batch_is_the_images_in_channels_last() -> None:
    images = np.arange(4 * 6 * 6 * 3, dtype=np.uint8).reshape(4, 6, 6, 3)
    x, y = Batches(images, np.eye(4, dtype=bool), torch.device("cpu")).batch(torch.tensor([2, 0]))
    assert x.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(x.permute(0, 2, 3, 1), images[[2, 0]] / 255, rtol=1e-6)
    assert y.tolist() == np.eye(4, dtype=bool)[[2, 0]].tolist()


def test_every_image_is_seen_once_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    batch = Batches.batch

    def spy(self: Batches, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self is faces:
            seen.append(index.tolist())
        return batch(self, index)

    monkeypatch.setattr(Batches, "batch", spy)
    faces, valid = tiny_training.split(32, 0), tiny_training.split(8, 1)
    training.train(tiny(), faces, valid, Settings(2, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")
    first, second = (np.concatenate(batches).tolist() for batches in (seen[:4], seen[4:]))
    assert sorted(first) == sorted(second) == list(range(32))
    assert first != second


def test_validation_is_the_loss_of_the_whole_split() -> None:
    model, valid = tiny(), tiny_training.split(24, 1)
    record = validate(model, valid, 24)
    assert validate(model, valid, 24) == record, "the same noise each time"
    x, y = valid.batch(torch.arange(24))
    noise = torch.randn(2, 24, 5, generator=torch.Generator().manual_seed(0))
    expected = model.eval().loss(x, y, noise, torch.ones(()))
    assert record["valid_loss"] == pytest.approx(expected["loss"].item(), rel=1e-5)
    assert record["valid_mse"] == pytest.approx(expected["mse"].item(), rel=1e-5)


@pytest.mark.parametrize("family", ["vae", "beta_vae"])
@pytest.mark.parametrize("size", [8, 10, 23])  # 24 images: whole batches, a rest of four, a single image left over
def test_validation_weighs_every_image_alike(family: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, valid = tiny(family), tiny_training.split(24, 1)
    monkeypatch.setattr(
        torch, "randn", lambda *shape, **_: torch.zeros(*shape)
    )  # blocks of another size draw other noise
    whole, parts = (validate(model, valid, n) for n in (24, size))
    assert parts == pytest.approx(whole, rel=1e-6)


def test_weights_that_break_in_the_very_last_step_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = training._Loop.step

    def breaking(self: training._Loop, index: torch.Tensor) -> torch.Tensor:
        terms = step(self, index)
        if self.progress.step == self.steps - 1:
            next(self.model.parameters()).data.fill_(float("nan"))
        return terms

    monkeypatch.setattr(training._Loop, "step", breaking)
    faces = tiny_training.split(32, 0)
    with pytest.raises(UserError, match="valid_loss, valid_kl, valid_mse is not finite"):
        training.train(tiny(), faces, faces, Settings(1, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl")


def test_validation_and_checkpoints_are_not_counted_as_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that only these three move: a step takes 1 s, a validation 100 s, a checkpoint 10,000 s."""
    now = 0.0

    def taking(seconds: float, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: object, **named: object) -> Any:
            nonlocal now
            now += seconds
            return call(*arguments, **named)

        return timed

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(training._Loop, "step", taking(1, training._Loop.step))
    monkeypatch.setattr(training, "validate", taking(100, validate))
    monkeypatch.setattr(checkpoint, "save_file", taking(10_000, save_file))
    faces = tiny_training.split(35, 0)
    progress = training.train(
        tiny(), faces, faces, Settings(3, 8, 1e-3), 0, tmp_path / "c", tmp_path / "h.jsonl", checkpoint_seconds=0
    )
    assert [record["seconds"] for record in progress.history] == [4, 4, 4]  # four batches of 8 images of 35
    assert progress.total_seconds % 10_000 == 3 * (4 + 100)


def test_another_seed_draws_another_run(tmp_path: Path) -> None:
    results = []
    for seed in (0, 1):
        model, faces = tiny(), tiny_training.split(35, 0)
        folder = tmp_path / str(seed)
        folder.mkdir()
        training.train(model, faces, faces, Settings(1, 8, 1e-3), seed, folder / "c", folder / "h.jsonl")
        results.append(json.loads((folder / "h.jsonl").read_text())["loss"])
    assert results[0] != results[1]


def saved(folder: Path) -> Path:
    """The checkpoint of a training that stopped after a step."""
    faces = tiny_training.split(35, 0)
    with pytest.raises(Interrupted):
        training.train(tiny(), faces, faces, Settings(3, 8, 1e-3), 0, folder, folder / "h", stop_at=time.time())
    return folder / "state.safetensors"


def test_a_checkpoint_names_each_tensor_by_objective_and_parameter(tmp_path: Path) -> None:
    """By their numbers, moments would go to other parameters once a module has one more."""
    names = load_file(saved(tmp_path / "c")).keys()
    model = tiny()
    assert names == {
        "sums",
        *(f"autoencoder.module.{name}" for name in model.state_dict()),
        *(
            f"autoencoder.optimiser.{name}.{moment}"
            for name, _ in model.named_parameters()
            for moment in ("step", "exp_avg", "exp_avg_sq")
        ),
    }


@pytest.mark.parametrize(
    "damage", ["empty", "cut short", "garbage", "no progress", "of another network", "of other objectives"]
)
def test_a_damaged_checkpoint_is_named_with_the_mending(damage: str, tmp_path: Path) -> None:
    path, model = saved(tmp_path / "c"), tiny()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut short":
            path.write_bytes(path.read_bytes()[:-100])
        case "garbage":
            path.write_bytes(b"x" * 1000)
        case "no progress":
            save_file({"sums": torch.zeros(3)}, path)
        case "of another network":
            model = build("vae", Network(16, (4, 8), 6, 3), None, {})
        case "of other objectives":
            save_file({**load_file(path), "other.module.x": torch.zeros(1)}, path, metadata={"progress": '{"step": 1}'})
    with pytest.raises(UserError, match=r"c/state\.safetensors: .*Delete it to start this run anew"):
        checkpoint.load(path, optimised(model))


def test_a_checkpoint_folder_that_is_a_link_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    run, scratch = tmp_path / "seed-0", tmp_path / "scratch"
    for folder in (run / "checkpoint-old", scratch):
        folder.mkdir(parents=True)
        (folder / "state.safetensors").touch()
    (run / "checkpoint-new").symlink_to(scratch)
    checkpoint.clear(run)
    assert not list(run.glob("checkpoint-*"))
    assert (scratch / "state.safetensors").exists()
