"""The shared recipe: schedule, mirrored images, averaged weights; each off as if it were not there."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_training
from vaematrix.data.batches import Batches
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build
from vaematrix.training import loop as training
from vaematrix.training.average import moving_average
from vaematrix.training.loop import Settings
from vaematrix.training.schedule import factor
from vaematrix.training.validation import validate


def trained(folder: Path, **recipe: object) -> training.Autoencoder:
    torch.manual_seed(0)
    model = build("vae", Network(16, (4, 8), 5, 3), None, {})
    faces, valid = tiny_training.split(35, 0), tiny_training.split(10, 1)
    training.train(model, faces, valid, Settings(2, 8, 1e-3, **recipe), 0, folder, folder / "h.jsonl")
    return model


def test_the_rate_rises_stays_and_falls() -> None:
    rising = [factor(step, 100, 0.1, "none") for step in range(100)]
    assert rising[:10] == pytest.approx([(step + 0.5) / 10 for step in range(10)])
    assert rising[10:] == [1.0] * 90
    assert factor(54, 100, 0.1, "cosine") == pytest.approx(0.5 * (1 + math.cos(math.pi * (0.545 - 0.1) / 0.9)))
    assert 0 < factor(99, 100, 0.1, "cosine") < 1e-3
    assert [factor(step, 3, 0.0, "none") for step in range(3)] == [1.0] * 3, "no warm-up"


def test_every_objective_follows_the_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def spy(self: torch.optim.Adam, *arguments: object) -> None:
        rates.extend(group["lr"] for group in self.param_groups)
        step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    trained(tmp_path, warmup=0.5, decay="cosine")
    assert rates == pytest.approx([1e-3 * factor(step, 8, 0.5, "cosine") for step in range(8)])


def test_the_average_is_the_recurrence() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    average = moving_average(model, share=0.1, steps=50)  # d = 1 - 1/5
    expected = None
    for _ in range(4):
        with torch.no_grad():
            model[0].weight += torch.randn(2, 3)
            model(torch.randn(6, 3))  # moves the batch-norm statistics
        average.update_parameters(model)
        now = torch.cat([model[0].weight.detach().flatten(), model[1].running_mean])
        expected = now.clone() if expected is None else 0.8 * expected + 0.2 * now
    got = torch.cat([average.module[0].weight.flatten(), average.module[1].running_mean])
    torch.testing.assert_close(got, expected)


def test_the_average_is_what_is_kept_and_validated(tmp_path: Path) -> None:
    last, kept = trained(tmp_path / "a"), trained(tmp_path / "b", average=1.0)
    assert not torch.equal(last.encoder.head.weight, kept.encoder.head.weight)
    lines = [(tmp_path / folder / "h.jsonl").read_text().splitlines() for folder in "ab"]
    terms = [[json.loads(line)["loss"] for line in side] for side in lines]
    assert terms[0] == terms[1], "training itself does not depend on the average"
    record = json.loads(lines[1][-1])
    assert validate(kept, tiny_training.split(10, 1), 8)["valid_loss"] == record["valid_loss"]


def test_a_share_below_a_step_keeps_the_last_weights(tmp_path: Path) -> None:
    last, kept = trained(tmp_path / "a"), trained(tmp_path / "b", average=0.1)
    assert torch.equal(last.encoder.head.weight, kept.encoder.head.weight)


def test_training_images_are_mirrored_at_random_and_validation_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A split whose images are black on the left and white on the right tells how often each way round was seen."""
    images = np.zeros((64, 16, 16, 3), np.uint8)
    images[:, :, 8:] = 255
    faces = Batches(images, np.zeros((64, 3), bool), torch.device("cpu"))
    seen: dict[bool, list[float]] = {True: [], False: []}
    torch.manual_seed(0)
    model = build("vae", Network(16, (4, 8), 5, 3), None, {})
    parts = type(model).parts

    def spy(self: training.Autoencoder, x: torch.Tensor, *others: torch.Tensor) -> object:
        seen[self.training].extend(x[:, 0, 0, 0].tolist())
        assert torch.equal(x.flip(3), 1 - x), "a whole image is mirrored, and nothing else"
        return parts(self, x, *others)

    monkeypatch.setattr(type(model), "parts", spy)
    training.train(model, faces, faces, Settings(8, 32, 1e-3, flip=True), 0, tmp_path, tmp_path / "h.jsonl")
    assert set(seen[False]) == {0.0}
    assert len(seen[True]) == 512
    assert abs(np.mean(seen[True]) - 0.5) < 4 * 0.5 / 512**0.5
