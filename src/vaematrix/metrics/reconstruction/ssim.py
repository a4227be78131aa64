"""Structural similarity (Wang et al. 2004), as scikit-image defines it with the original paper's settings.

Equal to `structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1,
channel_axis=-1)` on images divided by 255, but for whole batches. With local means μ, variances σ² and covariance σ_xy
under an 11×11 Gaussian window, and C₁ = 0.01², C₂ = 0.03²:

    SSIM = (2 μ_x μ_y + C₁)(2 σ_xy + C₂) / ((μ_x² + μ_y² + C₁)(σ_x² + σ_y² + C₂)),

averaged over the places where the window lies wholly inside the image, and over the channels.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vaematrix.metrics.reconstruction import ReconstructionMetric

if TYPE_CHECKING:
    from torch import Tensor

_SIGMA, _RADIUS = 1.5, 5  # scikit-image cuts the Gaussian at 3.5 σ, which makes the window 11 wide
_C1, _C2 = 0.01**2, 0.03**2


def ssim(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w, c], twice, with h and w at least 11, to the SSIM, float64 [n]."""
    height, width, channels = originals.shape[1:]
    rows, columns = _halves(height), _halves(width)
    # One image at a time, in memory used again and again: what the cache holds is faster than fewer, larger products.
    maps = np.empty((4, channels, height, width))
    half = np.empty((4, channels, height - 2 * _RADIUS, width))
    means = np.empty((4, channels, height - 2 * _RADIUS, width - 2 * _RADIUS))
    values = np.empty(len(originals))
    for number, pair in enumerate(zip(originals, reconstructions, strict=True)):
        x, y, squares, product = maps
        for plane, image in zip((x, y), pair, strict=True):
            np.divide(np.moveaxis(image, -1, 0), 255, out=plane)
        np.add(x**2, y**2, out=squares)
        np.multiply(x, y, out=product)
        for inputs, outputs, window in rows:
            np.matmul(window, maps[..., inputs, :], out=half[..., outputs, :])
        for inputs, outputs, window in columns:
            np.matmul(half[..., inputs], window.T, out=means[..., outputs])
        values[number] = _similarity(means).mean()
    return values


def ssim_of_tensors(originals: "Tensor", reconstructions: "Tensor") -> "Tensor":
    """As :func:`ssim`, of tensors on any device."""
    import torch

    x, y = (images.movedim(-1, 1).double() / 255 for images in (originals, reconstructions))
    down, across = x.new_tensor(_window(x.shape[2])), x.new_tensor(_window(x.shape[3])).T
    return _similarity(down @ torch.stack([x, y, x**2 + y**2, x * y]) @ across).mean((1, 2, 3))


def _similarity(means: Any) -> Any:
    """The similarity at each place of the window, from the local means of x, y, x² + y² and x·y, [4, ...]."""
    mean_x, mean_y, squares, product = means
    product_of_means, squares_of_means = mean_x * mean_y, mean_x**2 + mean_y**2
    covariance, variances = product - product_of_means, squares - squares_of_means
    return (2 * product_of_means + _C1) * (2 * covariance + _C2) / ((squares_of_means + _C1) * (variances + _C2))


def _window(size: int) -> np.ndarray:
    """The Gaussian window at each of its places along one axis, float64 [size - 10, size], rows summing to 1.

    It is separable, and two products with such a matrix are faster than any convolution.
    """
    if size <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs images of at least 11x11 pixels, not {size} pixels on a side")
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    places = np.zeros((size - 2 * _RADIUS, size))
    for row in range(len(places)):
        places[row, row : row + len(weights)] = weights / weights.sum()
    return places


@cache
def _halves(size: int) -> tuple[tuple[slice, slice, np.ndarray], ...]:
    """The window's places in two halves, as (inputs that they see, places, window): two thirds of the whole's work."""
    window = _window(size)
    middle = len(window) // 2
    return tuple(
        (slice(first, end + 2 * _RADIUS), slice(first, end), window[first:end, first : end + 2 * _RADIUS].copy())
        for first, end in ((0, middle), (middle, len(window)))
        if end > first
    )


METRICS = (ReconstructionMetric("ssim", "SSIM", "", "higher", ssim, ssim_of_tensors),)
