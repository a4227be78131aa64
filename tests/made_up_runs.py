"""Made-up metrics of runs for the tests of matrix, tables and report."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaematrix.common.records import Entry, FloorMetrics, FloorProtocol, Identity, Protocol, RunMetrics

ROOT = Path(__file__).parents[1]
DATA: dict[str, Any] = {
    "dataset": "faces", "split": "test", "images": 800, "crop": 140, "size": 64, "filter": "bilinear",
    "confidence": 0.95, "resamples": 1000, "code": 64 * "b", "versions": {"python": "3.11.7", "torch": "2.14.1"},
}  # fmt: skip
PROTOCOL = Protocol(
    **DATA,
    sampler="prior",
    sample_count=10000,
    sample_seed=0,
    features={"network": "inception", "dims": 2048, "weights_sha256": "6726825d0af5f729" + 48 * "0"},
    weights_sha256=64 * "a",
)


def rubric() -> dict[str, Any]:
    """The rubric that ships."""
    return yaml.safe_load((ROOT / "config/rubric.yaml").read_text(encoding="utf-8"))


def run(
    model: str,
    seed: int,
    mse: float | None,
    ssim: float | None,
    distance: float | None,
    kind: str = "fid",
    **protocol: Any,
) -> RunMetrics:
    """A metrics.json with the three values of the matrix, and two more. Args: protocol: what is otherwise in it."""
    label = {"fid": "FID", "frechet_efficientnet_lite0": "Fréchet distance (EfficientNet-Lite0)"}[kind]
    values = {
        "mse_pm1": (mse, "MSE", "on [-1, 1]", "lower"),
        "ssim": (ssim, "SSIM", "", "higher"),
        kind: (distance, label, "", "lower"),
        "mse_01": (None if mse is None else mse / 4, "MSE", "on [0, 1]", "lower"),
        "psnr": (21.5 + seed / 10, "PSNR, mean over images", "dB", "higher"),
    }
    metrics = {
        key: Entry(value=value, count=800, label=label, scale=scale, better=better)
        for key, (value, label, scale, better) in values.items()
        if value is not None
    }
    for key in metrics.keys() & {"mse_pm1", "ssim"}:
        metrics[key] = replace(metrics[key], low=metrics[key].value * 0.98, high=metrics[key].value * 1.02)
    identity = Identity(experiment="paper", model=model, family=model, seed=seed)
    return RunMetrics(run=identity, metrics=metrics, protocol=replace(PROTOCOL, **protocol))


def floor(name: str, mse: float, ssim: float, **protocol: Any) -> FloorMetrics:
    """A floor: no samples, so no distance and no sampler."""
    identity = Identity(experiment="paper", model=name, family="floor", seed=0)
    metrics = run(name, 0, mse, ssim, None).metrics
    return FloorMetrics(run=identity, metrics=metrics, protocol=FloorProtocol(**DATA | protocol))


ORDER = ["beta_vae", "conditional_vae", "info_vae", "vae"]


def experiment() -> list[RunMetrics]:
    """Four models with three seeds each."""
    base = {
        "beta_vae": (0.0412, 0.641, 61.2),
        "conditional_vae": (0.0298, 0.702, 55.4),
        "info_vae": (0.0251, 0.7, 47.3),
        "vae": (0.0246, 0.713, 52.9),
    }
    told = {"conditional_vae": {"sample_labels": "joint of the train split"}}
    return [
        run(model, seed, round(mse + seed * 0.0004, 6), round(ssim - seed * 0.003, 6), round(fid + 1.3 * seed, 6),
            **told.get(model, {}))
        for model, (mse, ssim, fid) in base.items()
        for seed in range(3)
    ]  # fmt: skip


def need_programs(*names: str) -> None:
    """Skip a test where a program is not installed; in continuous integration that is a failure."""
    for name in names:
        if shutil.which(name) is None:
            packages = "texlive-latex-recommended texlive-fonts-recommended lmodern poppler-utils"
            message = f"{name} not found: install {packages}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
