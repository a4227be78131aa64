"""The paired feature distance, by hand and against SciPy."""

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from vaematrix.metrics.feature_distance import feature_distance


def test_by_hand() -> None:
    """The same direction at any length, a right angle, and the angle of 3-4-5."""
    originals = np.array([[1, 2, 3], [1, 0, 0], [3, 4, 0]], np.float32)
    reconstructions = np.array([[2, 4, 6], [0, 5, 0], [5, 0, 0]], np.float32)
    assert feature_distance(originals, reconstructions) == pytest.approx([0, 1, 0.4], abs=1e-12)


def test_it_is_the_cosine_distance() -> None:
    a, b = np.random.default_rng(0).random((2, 5, 1280)).astype(np.float32)
    distances = feature_distance(a, b)
    assert distances.dtype == np.float64
    assert distances == pytest.approx([cosine(x, y) for x, y in zip(a, b, strict=True)], rel=1e-5)
