"""Mixture of Gaussians with full covariances (Ghosh et al., 2020, "ex-post density estimation").

    p(u) = Σ_c π_c·N(u; μ_c, Σ_c),    z = W·(1, y) + L·u

The attributes shift all components alike.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaematrix.common.errors import UserError
from vaematrix.common.options import option
from vaematrix.generation.sampler import Fit, Place, Sampler

if TYPE_CHECKING:
    import numpy as np
    from sklearn.mixture import GaussianMixture

    from vaematrix.generation.posteriors import Posteriors, State

ARRAYS = ("weights_", "means_", "covariances_", "precisions_cholesky_")  # what scikit-learn's mixture has learnt


@dataclass(frozen=True)
class Mixture(Sampler):
    """Fitted by scikit-learn's EM from one start."""

    components: int = option(10, "Gaussians in the mixture", minimum=1)

    def fit(self, train: Posteriors, place: Place) -> Fit:
        from vaematrix.generation.linear_gaussian import LinearGaussian

        if len(train) < self.components:
            raise UserError(f"gmm: {self.components} components need as many training faces, not {len(train)}.")
        codes = train.draw(0)
        gaussian = LinearGaussian.of(codes, train.labels)
        mixture = self._mixture(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whether it converged is said in the protocol instead
            mixture.fit(gaussian.whiten(codes, train.labels))
        state = {name: getattr(mixture, name) for name in ARRAYS}
        return Fit({**gaussian.state, **state}, {"converged": bool(mixture.converged_)})

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        import numpy as np

        from vaematrix.generation.linear_gaussian import LinearGaussian

        white, _ = self._fitted(state, seed).sample(len(labels))
        # scikit-learn draws component by component; in blocks, the first images would all be of one kind.
        return LinearGaussian.from_state(state).colour(np.random.default_rng(seed).permutation(white), labels)

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        from vaematrix.generation.linear_gaussian import LinearGaussian

        gaussian = LinearGaussian.from_state(state)
        return self._fitted(state).score_samples(gaussian.whiten(codes, labels)) - gaussian.log_volume

    def _mixture(self, seed: int) -> GaussianMixture:
        from sklearn.mixture import GaussianMixture  # 1 s to import

        return GaussianMixture(self.components, covariance_type="full", random_state=seed)

    def _fitted(self, state: State, seed: int = 0) -> GaussianMixture:
        mixture = self._mixture(seed)
        for name in ARRAYS:
            setattr(mixture, name, state[name])
        return mixture
