"""The kernel distance of two sets of features: KID, where the features are Inception's (Bińkowski et al., 2018).

    MMD² with k(x, y) = (x·y/d + 1)³, unbiased, as the mean over random subsets

Unlike the Fréchet distance it has no bias from the number of images, at any number; it can be slightly negative.
torch-fidelity's definition with its 100 subsets of 1,000, but smaller ones where there are fewer images. (That package
stops there, and computes features itself: what takes features is internal to it. So these few lines are our own.)
"""

from typing import NamedTuple

import numpy as np
import torch

SUBSETS = 100
_SUBSET_SIZE = 1000


class KernelDistance(NamedTuple):
    """Mean and standard deviation between subsets of `subset_size` (n in the denominator, as torch-fidelity has it).

    The latter is no error of the mean: subsets overlap, and the mean of all knows more than each.
    """

    mean: float
    subset_sd: float
    subset_size: int


def kernel_distance(
    a: np.ndarray, b: np.ndarray, *, seed: int, device: torch.device | str = "cpu", subsets: int = SUBSETS
) -> KernelDistance:
    """The mean over `subsets` pairs of random subsets, drawn without replacement.

    A subset has 1,000 images, or half of the smaller set where that is less: larger ones would be nearly the whole
    set each time, and their standard deviation would say nothing.

    Args:
        a, b: features, float32 [n, d] and [m, d], at least 4 each.
    """
    size = min(_SUBSET_SIZE, len(a) // 2, len(b) // 2)
    if size < 2:
        raise ValueError(f"a kernel distance needs at least 4 features of each set, not {len(a)} and {len(b)}")
    generator = np.random.default_rng(seed)
    distances = []
    for _ in range(subsets):
        x, y = (
            torch.from_numpy(features[generator.choice(len(features), size, replace=False)]).to(device, torch.float64)
            for features in (a, b)
        )
        distances.append(_mmd_squared(x, y))
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)), size)


def _mmd_squared(x: torch.Tensor, y: torch.Tensor) -> float:
    """The unbiased estimate (Gretton et al., 2012, eq. 3) of two float64 [m, d]."""
    m, d = x.shape
    within = sum((gram.sum() - gram.trace()) / (m * (m - 1)) for gram in ((z @ z.T / d + 1) ** 3 for z in (x, y)))
    return float(within - 2 * ((x @ y.T / d + 1) ** 3).mean())
