"""The Gaussian that every sampler starts from: codes regressed on labels, and what is left, made white.

    z = W·(1, y) + L·u,    L·Lᵀ = the covariance of the residuals z - W·(1, y)

With u ~ N(0, I) this is one Gaussian with full covariance, its mean linear in the attributes y; other samplers learn u.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import solve_triangular

from vaematrix.common.errors import UserError
from vaematrix.generation.posteriors import State

FLOOR = 1e-6  # of the mean variance, added to each: codes that never change have no density


@dataclass(frozen=True)
class LinearGaussian:
    """p(z | y) = N(z; W·(1, y), L·Lᵀ), and the affine map that makes its codes white.

    Attributes:
        weights: W transposed, float64 [1 + k, latent]. factor: L, lower triangular, float64 [latent, latent].
    """

    weights: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, labels: np.ndarray) -> Self:
        """The maximum-likelihood map of codes, [n, latent], with their labels, bool [n, k].

        Raises:
            UserError: there are no more codes than dimensions and labels.
        """
        (count, latent), needed = codes.shape, codes.shape[1] + labels.shape[1] + 1
        if count <= needed:
            raise UserError(
                f"a sampler of {latent} dimensions and {labels.shape[1]} attributes needs more than {needed} training "
                f"faces, not {count}. Leave it out of `samplers`, or use more faces."
            )
        codes, known = codes.astype(np.float64), _design(labels)
        weights = np.linalg.lstsq(known, codes, rcond=None)[0]
        residuals = codes - known @ weights
        covariance = residuals.T @ residuals / count
        floor = FLOOR * (np.trace(covariance) / latent or 1)
        return cls(weights, np.linalg.cholesky(covariance + floor * np.eye(latent)))

    @classmethod
    def from_state(cls, state: State) -> Self:
        """What :attr:`state` gave."""
        return cls(state["gaussian.weights"], state["gaussian.factor"])

    @property
    def state(self) -> State:
        """Its arrays by name."""
        return {"gaussian.weights": self.weights, "gaussian.factor": self.factor}

    def whiten(self, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """u of codes, float64 [n, latent]."""
        return solve_triangular(self.factor, (codes - _design(labels) @ self.weights).T, lower=True).T

    def colour(self, white: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Codes of u, float32 [n, latent]; the inverse of :meth:`whiten`."""
        return (_design(labels) @ self.weights + white @ self.factor.T).astype(np.float32)

    @property
    def log_volume(self) -> float:
        """ln|det L|: what ln p(u) is larger by than ln p(z)."""
        return float(np.log(np.diagonal(self.factor)).sum())


def standard_normal_log_density(white: np.ndarray) -> np.ndarray:
    """ln N(u; 0, I) in nats, float64 [n]. Args: white: [n, d]."""
    return -0.5 * (white.astype(np.float64) ** 2 + np.log(2 * np.pi)).sum(axis=1)


def _design(labels: np.ndarray) -> np.ndarray:
    """(1, y) with y in {-1, 1}, float64 [n, 1 + k]."""
    return np.concatenate([np.ones((len(labels), 1)), 2.0 * labels - 1], axis=1)
