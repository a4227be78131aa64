"""The mean face and PCA."""

import numpy as np
import pytest

from vaematrix.common.errors import UserError
from vaematrix.metrics import floors
from vaematrix.metrics.floors import mean_face, pca_reconstructions
from vaematrix.metrics.reconstruction.mse import mse_01


def _flat_world(count: int, rank: int, seed: int = 0) -> np.ndarray:
    """Images that vary in `rank` directions only, up to the rounding to uint8."""
    generator = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(rank, 8 * 8 * 3))
    values = 128 + generator.normal(size=(count, rank)) * 20 / np.sqrt(rank) @ directions
    return np.rint(values).clip(0, 255).astype(np.uint8).reshape(-1, 8, 8, 3)


def test_mean_face_by_hand() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    images[0], images[1, 0, 0, 0] = 10, 255
    face = mean_face(images)
    assert (face.dtype, face.shape) == (np.uint8, (4, 4, 3))
    assert face[0, 0].tolist() == [88, 3, 3]  # (10 + 255) / 3 = 88.3 and 10 / 3 = 3.3


def test_pca_recovers_what_lies_in_its_components() -> None:
    train, test = _flat_world(200, rank=5), _flat_world(30, rank=5, seed=1)
    enough, used = pca_reconstructions(train, test, components=5, seed=0)
    fewer, _ = pca_reconstructions(train, test, components=2, seed=0)
    face = np.broadcast_to(mean_face(train), test.shape)
    assert used == 200
    assert (enough.dtype, enough.shape) == (np.uint8, test.shape)
    assert abs(enough.astype(int) - test).max() <= 2  # rounding, twice
    assert mse_01(test, enough).mean() < mse_01(test, fewer).mean() < mse_01(test, face).mean()


def test_pca_equals_the_exact_decomposition() -> None:
    train, test = _flat_world(120, rank=20), _flat_world(10, rank=20, seed=1)
    flat = train.reshape(120, -1).astype(float)
    _, _, axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    centred = test.reshape(10, -1) - flat.mean(axis=0)
    expected = (centred @ axes[:6].T @ axes[:6] + flat.mean(axis=0)).clip(0, 255).reshape(test.shape)
    found, _ = pca_reconstructions(train, test, components=6, seed=0)
    assert abs(found - expected).max() < 0.6  # half a level of rounding, and the randomised solver's last digits


def test_pca_depends_on_the_seed_alone_and_uses_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floors, "MOST_FACES", 50)
    train, test = _flat_world(120, rank=20), _flat_world(10, rank=20, seed=1)
    kept = train.copy()
    first, used = pca_reconstructions(train, test, components=4, seed=0)
    again, _ = pca_reconstructions(train, test, components=4, seed=0)
    other, _ = pca_reconstructions(train, test, components=4, seed=1)
    assert used == 50
    assert (first == again).all()
    assert (first != other).any()
    assert (train == kept).all()


def test_pca_needs_enough_images() -> None:
    train = _flat_world(3, rank=2)
    with pytest.raises(UserError, match="PCA with 4 components"):
        pca_reconstructions(train, train, components=4, seed=0)
