"""One Gaussian with full covariance, its mean linear in the attributes.

p(z|y) = N(z; W·(1, y), Σ)          without attributes N(z; μ, Σ)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaematrix.generation.linear_gaussian import LinearGaussian, standard_normal_log_density
from vaematrix.generation.sampler import Fit, Place, Posteriors, Sampler, State, noise


@dataclass(frozen=True)
class Gaussian(Sampler):
    """It has no options."""

    def fit(self, train: Posteriors, place: Place) -> Fit:
        return Fit(LinearGaussian.of(train.draw(0), train.labels).state)

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        gaussian = LinearGaussian.from_state(state)
        return gaussian.colour(noise(len(labels), len(gaussian.factor), seed), labels)

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        gaussian = LinearGaussian.from_state(state)
        return standard_normal_log_density(gaussian.whiten(codes, labels)) - gaussian.log_volume
