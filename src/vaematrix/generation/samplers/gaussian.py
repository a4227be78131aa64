"""One Gaussian with full covariance, its mean linear in the attributes.

p(z|y) = N(z; W·(1, y), Σ)          without attributes N(z; μ, Σ)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaematrix.generation.sampler import Fit, Place, Sampler

if TYPE_CHECKING:
    import numpy as np

    from vaematrix.generation.posteriors import Posteriors, State


@dataclass(frozen=True)
class Gaussian(Sampler):
    """It has no options."""

    def fit(self, train: Posteriors, place: Place) -> Fit:
        from vaematrix.generation.linear_gaussian import LinearGaussian

        return Fit(LinearGaussian.of(train.draw(0), train.labels).state)

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        from vaematrix.generation.linear_gaussian import LinearGaussian
        from vaematrix.generation.posteriors import noise

        gaussian = LinearGaussian.from_state(state)
        return gaussian.colour(noise(len(labels), len(gaussian.factor), seed), labels)

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        from vaematrix.generation.linear_gaussian import LinearGaussian, standard_normal_log_density

        gaussian = LinearGaussian.from_state(state)
        return standard_normal_log_density(gaussian.whiten(codes, labels)) - gaussian.log_volume
