"""The attributes that samples are asked for."""

import numpy as np


def draw_attributes(joint: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` rows of a split's attributes, drawn with replacement.

    Whole rows, so that the empirical joint is kept: independent bits would ask for bearded women in lipstick.

    Args:
        joint: bool [n, k], the attributes of the split; of the training split for samples that are to be judged.
    """
    return joint[np.random.default_rng([seed, 1]).integers(len(joint), size=count)]
