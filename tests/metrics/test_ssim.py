"""The batched SSIM against scikit-image, which defines it here."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from vaematrix.metrics.reconstruction.ssim import ssim, ssim_of_tensors

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def _reference(a: np.ndarray, b: np.ndarray) -> list[float]:
    return [
        structural_similarity(
            x / 255,
            y / 255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=-1,
        )
        for x, y in zip(a, b, strict=True)
    ]


def _smooth(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = gaussian_filter(generator.normal(size=shape), (0, 3, 3, 0))
    return (255 * (values - values.min()) / np.ptp(values)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(6, 64, 64, 3), (3, 11, 11, 3), (2, 24, 37, 3), (2, 32, 32, 1)])
def test_equals_scikit_image(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    a = _smooth(generator, shape)
    noise = generator.integers(0, 256, shape, dtype=np.uint8)
    slight = (a + generator.normal(0, 9, shape)).clip(0, 255).astype(np.uint8)
    flat = np.full(shape, 130, np.uint8)  # no variance: only the constants keep the quotient finite
    for b in (slight, noise, flat, 255 - a, a):
        np.testing.assert_allclose(ssim(a, b), _reference(a, b), rtol=0, atol=1e-9)
    np.testing.assert_allclose(ssim(flat, flat), 1, rtol=0, atol=1e-9)


def test_constant_images_by_hand() -> None:
    """Without variance SSIM is (2 μ_x μ_y + C₁) / (μ_x² + μ_y² + C₁)."""
    a, b = np.full((1, 16, 16, 3), 51, np.uint8), np.full((1, 16, 16, 3), 102, np.uint8)
    assert ssim(a, b) == pytest.approx([(2 * 0.2 * 0.4 + 1e-4) / (0.2**2 + 0.4**2 + 1e-4)], abs=1e-12)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_tensors_have_the_same_values(device: str) -> None:
    generator = np.random.default_rng(0)
    a = _smooth(generator, (5, 24, 37, 3))
    b = (a + generator.normal(0, 9, a.shape)).clip(0, 255).astype(np.uint8)
    values = ssim_of_tensors(*(torch.from_numpy(images).to(device) for images in (a, b)))
    np.testing.assert_allclose(values.cpu(), _reference(a, b), rtol=0, atol=1e-9)


def test_images_smaller_than_the_window_are_refused() -> None:
    small = np.zeros((1, 10, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="11x11"):
        ssim(small, small)
