"""A part of the training faces, for what does not need all of them."""

import numpy as np

MOST_FACES = 20_000  # 1 GB in float32 at 64x64; more change components and linear classifiers by less than the rounding


def at_most(most: int, count: int, seed: int) -> np.ndarray:
    """`most` of the numbers below `count`, in order and chosen by the seed; all of them where there are no more."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
