"""Structural similarity (Wang et al. 2004), as scikit-image defines it with the original paper's settings.

Equal to `structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1,
channel_axis=-1)` on images divided by 255, but for whole batches. With local means μ, variances σ² and covariance σ_xy
under an 11×11 Gaussian window, and C₁ = 0.01², C₂ = 0.03²:

    SSIM = (2 μ_x μ_y + C₁)(2 σ_xy + C₂) / ((μ_x² + μ_y² + C₁)(σ_x² + σ_y² + C₂)),

averaged over the places where the window lies wholly inside the image, and over the channels.
"""

import numpy as np

from vaematrix.metrics import ReconstructionMetric

_SIGMA, _RADIUS = 1.5, 5  # scikit-image cuts the Gaussian at 3.5 σ, which makes the window 11 wide
_C1, _C2 = 0.01**2, 0.03**2


def ssim(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c], twice, with h and w at least 11, to the SSIM, float64 [n]."""
    height, width = originals.shape[1:3]
    if min(height, width) <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs images of at least 11x11 pixels, not {height}x{width}")
    down, across = _window(height), _window(width).T

    def local_mean(images: np.ndarray) -> np.ndarray:
        # The window is separable: two matrix products, which BLAS does faster than any convolution.
        return down @ images @ across

    x, y = _planes(originals), _planes(reconstructions)
    mean_x, mean_y = local_mean(x), local_mean(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance = local_mean(x * y) - product
    variances = local_mean(x**2 + y**2) - squares
    similarity = (2 * product + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
    return similarity.mean(axis=(1, 2, 3))


def _planes(images: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c] to float64 [n, c, h, w] on [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(images, -1, 1)) / 255


def _window(size: int) -> np.ndarray:
    """The Gaussian window at each of its places along one axis, float64 [size - 10, size], rows summing to 1."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    places = np.zeros((size - 2 * _RADIUS, size))
    for row in range(len(places)):
        places[row, row : row + len(weights)] = weights / weights.sum()
    return places


METRICS = (ReconstructionMetric("ssim", "SSIM", "", "higher", ssim),)
