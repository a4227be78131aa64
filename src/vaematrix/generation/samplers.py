"""Where the latent codes of samples come from, objects fitted after training, and the labels that go with them."""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

MIXTURE_COMPONENTS = 10

FEWEST_CODES = {"prior": 1, "gmm": MIXTURE_COMPONENTS}
"""How many codes a sampler needs to be fitted. Outside of its class, so that a training, which asks for it beforehand,
does not depend on how the sampler works: an edit of a sampler retrains nothing."""


class Sampler(Protocol):
    """Draws latent codes for generation."""

    about: dict[str, Any]  # what was fitted, for the protocol

    def fit(self, codes: np.ndarray) -> None:
        """Learn from posterior means of training images, float32 [n, latent]."""

    def draw(self, count: int, seed: int) -> np.ndarray:
        """float32 [count, latent]; the same seed gives the same codes."""


class PriorSampler:
    """z ~ N(0, I), the prior that the models are trained with."""

    def __init__(self, latent: int) -> None:
        self.latent = latent
        self.about: dict[str, Any] = {}

    def fit(self, codes: np.ndarray) -> None:
        """Nothing to learn."""

    def draw(self, count: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal((count, self.latent), dtype=np.float32)


class MixtureSampler:
    """Ex-post density estimation: a full-covariance Gaussian mixture of 10 components (Ghosh et al., 2020)."""

    def __init__(self, latent: int) -> None:
        self.about: dict[str, Any] = {}

    def fit(self, codes: np.ndarray) -> None:
        from sklearn.mixture import GaussianMixture  # 1 s to import, and only this sampler needs it

        self.mixture = GaussianMixture(MIXTURE_COMPONENTS, covariance_type="full", random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whether it converged is said in the protocol instead
            self.mixture.fit(codes.astype(np.float64))
        self.about = {
            "components": MIXTURE_COMPONENTS,
            "converged": bool(self.mixture.converged_),
            "fitted_on": len(codes),
        }

    def draw(self, count: int, seed: int) -> np.ndarray:
        self.mixture.set_params(random_state=seed)
        codes, _ = self.mixture.sample(count)
        return np.random.default_rng(seed).permutation(codes).astype(np.float32)


def draw_attributes(joint: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` rows of a split's attributes, drawn with replacement.

    Whole rows, so that the empirical joint is kept: independent bits would ask for bearded women in lipstick.

    Args:
        joint: bool [n, k], the attributes of the split; of the training split for samples that are to be judged.
    """
    return joint[np.random.default_rng([seed, 1]).integers(len(joint), size=count)]


SAMPLERS: dict[str, Callable[[int], Sampler]] = {"prior": PriorSampler, "gmm": MixtureSampler}
