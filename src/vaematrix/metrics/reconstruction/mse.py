"""Mean squared error over the values (pixels and channels) of an image.

Given twice: on [0, 1] as most of the literature has it, and on [-1, 1], four times as much, as images
normalised to [-1, 1] have it. The number alone does not tell which it is.
"""

import numpy as np

from vaematrix.metrics.reconstruction import ReconstructionMetric


def mse_01(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c], twice, to the MSE of the values divided by 255, float64 [n]."""
    return squared_levels(originals, reconstructions) / 255**2


def mse_pm1(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c], twice, to the MSE of 2x/255 - 1, float64 [n]."""
    return 4 * mse_01(originals, reconstructions)


def squared_levels(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Mean squared difference in levels of 0..255, float64 [n]; the sum behind it is an exact integer."""
    difference = originals.reshape(len(originals), -1).astype(np.float64)
    difference -= reconstructions.reshape(len(reconstructions), -1)
    return np.einsum("ij,ij->i", difference, difference) / difference.shape[1]


METRICS = (
    ReconstructionMetric("mse_01", "MSE", "on [0, 1]", "lower", mse_01),
    ReconstructionMetric("mse_pm1", "MSE", "on [-1, 1]", "lower", mse_pm1),
)
