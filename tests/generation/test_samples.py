"""What is written of samples."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vaematrix.common.images import read_images, read_metadata
from vaematrix.generation import outputs
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.prior import draw_prior
from vaematrix.generation.sampler import HeldOut
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_samples_say_what_was_asked_for(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build(family, Network(8, (4, 8), 5, 2), None, {}).eval()
    labels = draw_attributes(np.array([[True, False], [True, True]]), 40, 0)
    path, sampling = tmp_path / "samples.parquet", outputs.Sampling("prior", 40, 0, HeldOut(-7.0, 2, "exact"))
    outputs.write_samples(path, model, draw_prior(model, labels, 0), labels, ("Smiling", "Hat"), sampling, {})
    images, asked = read_images(path)
    assert len(images) == 40
    told = read_metadata(path)["vaematrix.labels"]
    if family == "vae":
        assert (asked.column_names, told) == ([], None)
    else:
        rows = np.stack([asked[name].to_numpy() for name in ("Smiling", "Hat")], axis=1)
        assert set(map(tuple, rows.tolist())) == {(True, False), (True, True)}
        assert told == "joint of the train split"
