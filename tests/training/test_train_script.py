"""What the script `train` refuses before the first step, because it would stop the evaluation hours later."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vaematrix.common.images import write_images

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


def job(folder: Path, train_images: int, latent: int) -> SimpleNamespace:
    """What Snakemake would hand to the script, with a shard of drawn noise and as few settings as it reads."""
    splits = np.repeat(np.array([0, 1, 2], np.int8), [train_images, 2, 2])
    names = [f"{number}.jpg" for number in range(len(splits))]
    images = np.random.default_rng(0).integers(0, 256, (len(splits), 16, 16, 3), np.uint8)
    shard = folder / "shard.parquet"
    write_images(shard, images, {"image_id": names, "split": splits, "Smiling": splits == 0}, {})
    network: dict[str, Any] = {"widths": [4, 8], "latent": latent}
    return SimpleNamespace(
        input=SimpleNamespace(shards=[shard]),
        output=SimpleNamespace(weights=folder / "run/model.safetensors", history=folder / "run/history.jsonl"),
        params=SimpleNamespace(options={"family": "vae"}, size=16, network=network),
        config={"evaluation": {"split": "test"}, "network": network},
        wildcards=SimpleNamespace(seed="0", model="vae"),
        log=[folder / "train.log"],
        threads=1,
    )


def test_too_few_faces_are_refused_in_the_first_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    train = importlib.import_module("train")
    monkeypatch.setattr(train.training, "train", lambda *_, **__: pytest.fail("a step was trained"))
    with pytest.raises(SystemExit):
        train.main(job(tmp_path, train_images=9, latent=12))
    assert (
        "network.latent has 12 dimensions, and there are only 9 training images" in (tmp_path / "train.log").read_text()
    )
    assert not (tmp_path / "run/model.safetensors").exists()
