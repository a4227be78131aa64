"""Codes of faces as samplers see them: the posteriors that they are drawn from, and the noise that makes the draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

State = Mapping[str, np.ndarray]
"""What a sampler learnt, as arrays by name."""


@dataclass(frozen=True)
class Posteriors:
    """q(z | x) = N(mean, deviation²) of faces, and what a conditional model is told of them.

    Attributes:
        means, deviations: float32 [n, latent].
        labels: bool [n, k], the attributes y; [n, 0] for a model that is told none.
    """

    means: np.ndarray
    deviations: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.means)

    def draw(self, *seed: int) -> np.ndarray:
        """One z ~ q(z | x) for each face, float32 [n, latent]."""
        return self.means + self.deviations * noise(*self.means.shape, *seed)


def noise(count: int, latent: int, *seed: int) -> np.ndarray:
    """Draws from N(0, I), float32 [count, latent]. What a sampler makes of them can be compared across samplers."""
    return np.random.default_rng(seed if len(seed) > 1 else seed[0]).standard_normal((count, latent), dtype=np.float32)
