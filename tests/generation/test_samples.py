"""What is written of samples."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vaematrix.common.images import read_images, read_metadata
from vaematrix.data.shards import Faces
from vaematrix.generation import outputs
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_labels_are_drawn_from_the_training_split(family: str, tmp_path: Path) -> None:
    """Which knows a pair that the evaluation split, handed to nothing here, may not have."""
    torch.manual_seed(0)
    model = build(family, Network(8, (4, 8), 5, 2), None, {}).eval()
    known = np.array([[True, False], [True, True]])
    faces = Faces(np.zeros((2, 8, 8, 3), np.uint8), ["a", "b"], known, ("Smiling", "Hat"))
    train = outputs.EncodedFaces(faces, np.zeros((2, 5), np.float32), np.ones((2, 5), np.float32))
    path = tmp_path / "samples.parquet"
    outputs.write_samples(path, model, train, {"sampler": "prior", "count": 40, "seed": 0}, {})
    images, asked = read_images(path)
    assert len(images) == 40
    labels = read_metadata(path)["vaematrix.labels"]
    if family == "vae":
        assert (asked.column_names, labels) == ([], None)
    else:
        rows = np.stack([asked[name].to_numpy() for name in ("Smiling", "Hat")], axis=1)
        assert set(map(tuple, rows.tolist())) == {(True, False), (True, True)}
        assert labels == "joint of the train split"
