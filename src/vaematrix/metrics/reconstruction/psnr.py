"""Peak signal-to-noise ratio, 10 log10(255² / MSE), of each image; its mean is the mean of decibels, as is usual.

Two identical images have no finite PSNR. They count as if a single value were off by one level, the smallest
difference that uint8 can hold (89.0 dB at 64×64×3), so that the mean stays finite and no other image's value changes.
"""

import numpy as np

from vaematrix.metrics.reconstruction import ReconstructionMetric
from vaematrix.metrics.reconstruction.mse import squared_levels


def psnr(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c], twice, to the PSNR in decibels, float64 [n]."""
    smallest = 1 / originals[0].size
    return 10 * np.log10(255**2 / np.maximum(squared_levels(originals, reconstructions), smallest))


METRICS = (ReconstructionMetric("psnr", "PSNR, mean over images", "dB", "higher", psnr),)
