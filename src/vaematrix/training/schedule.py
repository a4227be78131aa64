"""How the learning rate changes over a training: a linear warm-up, then a constant or half a cosine.

    rate(s) = r · s/w                           for s < w
    rate(s) = r · ½(1 + cos(π(s - w)/(1 - w)))  from there on, with `cosine` (Loshchilov & Hutter, 2017, eq. 5)

s is the share of the training's steps, w that of the warm-up.
"""

import math
from typing import Literal

Decay = Literal["none", "cosine"]


def factor(step: int, steps: int, warmup: float, decay: Decay) -> float:
    """What the learning rate of a step is multiplied by, in (0, 1].

    Args:
        step: steps done before this one. steps: of the whole training.
        warmup: the share of the steps over which the rate rises, in [0, 1).
    """
    # The middle of the step, so that neither the first nor the last one is lost to a rate of 0.
    share = (step + 0.5) / steps
    if share < warmup:
        return share / warmup
    if decay == "none":
        return 1.0
    return half_cosine((share - warmup) / (1 - warmup))


def half_cosine(share: float) -> float:
    """½(1 + cos(π·share)): from 1 to 0 as the share rises from 0 to 1."""
    return (1 + math.cos(math.pi * share)) / 2
