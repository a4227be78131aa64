"""Anybody's images are judged as the workflow judges its own: by the same functions, with a protocol."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from torch import nn

import vaematrix
from vaematrix.common.errors import UserError
from vaematrix.judging import as_text
from vaematrix.metrics import features
from vaematrix.metrics.catalogue import in_features
from vaematrix.metrics.features import FeatureNetwork


class MeanColours(nn.Module):
    """Three features that can be computed by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.factor * images.float().mean((2, 3))


@pytest.fixture
def mean_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    network = FeatureNetwork(
        "colour", "colour", MeanColours(), 3, in_features("colour", "colour"), {"network": "colours"}
    )
    monkeypatch.setattr("vaematrix.judging.load_network", lambda *_: network)


def images(count: int, seed: int, low: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, 256, (count, 16, 16, 3), np.uint8)


@pytest.mark.usefixtures("mean_colours")
def test_the_distance_is_that_of_pytorch_fid() -> None:
    made, real = images(40, 0, low=50), images(60, 1)
    found = vaematrix.judge(made, real, device="cpu")
    of = [x.mean((1, 2)) for x in (made, real)]
    moments = [part for x in of for part in (x.mean(0), np.cov(x, rowvar=False))]
    distance = calculate_frechet_distance(*moments)
    assert found["metrics"]["frechet_colour"]["value"] == pytest.approx(distance, rel=1e-5)
    assert {"kernel_distance_colour", "recall_colour", "coverage_colour"} <= found["metrics"].keys()
    assert found["protocol"]["samples"]["images"] == 40
    assert found["protocol"]["reference"]["images"] == 60
    assert found["protocol"]["features"] == {"network": "colours"}
    json.dumps(found, allow_nan=False)
    assert "40 samples (array) against 60 reference (array)" in as_text(found)


@pytest.mark.usefixtures("mean_colours")
def test_pairs_are_measured_one_by_one() -> None:
    real, rebuilt = images(20, 0), images(20, 1)
    found = vaematrix.judge(rebuilt, real, paired=True, device="cpu")
    mse = ((rebuilt / 255 - real / 255) ** 2).mean()
    assert found["metrics"]["mse_01"]["value"] == pytest.approx(mse)
    assert {"ssim", "psnr", "reconstruction_frechet_colour", "feature_distance_colour"} <= found["metrics"].keys()
    assert "frechet_colour" not in found["metrics"], "what is rebuilt is not generated"
    with pytest.raises(UserError, match="as many images of one size on both sides"):
        vaematrix.judge(rebuilt[:5], real, paired=True, device="cpu")


def test_an_unknown_network_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError, match="features 'inceptoin': no such network; did you mean 'inception'"):
        vaematrix.judge(images(4, 0), images(4, 1), "inceptoin", device="cpu")


def test_from_the_shell(tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", images(30, 0))
    np.save(tmp_path / "real.npy", images(30, 1))
    command = [sys.executable, "-m", "vaematrix", "judge", "made.npy", "--reference", "real.npy", "--device", "cpu"]
    shown = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    direct = vaematrix.judge(images(30, 0), images(30, 1), device="cpu")
    key = "frechet_efficientnet_lite0"
    assert found["metrics"][key]["value"] == pytest.approx(direct["metrics"][key]["value"], rel=1e-4)
    assert found["protocol"]["samples"]["from"] == "made.npy"
    command[command.index("real.npy")] = "reel.npy"
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("error: reel.npy: not found")


def test_all_networks_can_be_asked_for() -> None:
    assert {"efficientnet_lite0", "inception"} <= set(features.networks())
