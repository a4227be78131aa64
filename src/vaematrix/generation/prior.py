"""The prior that a model was trained with: how codes are drawn from it, and what it says of codes."""

import numpy as np

from vaematrix.generation.sampler import noise
from vaematrix.models.autoencoder import Autoencoder


def draw_prior(model: Autoencoder, labels: np.ndarray, seed: int) -> np.ndarray:
    """One code for each row of labels, from N(0, I). Args: labels: bool [n, k]. Returns float32 [n, latent]."""
    return noise(len(labels), model.network.latent, seed)


def prior_log_density(model: Autoencoder, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """ln p(z) of each code in nats, float64 [n]. Args: codes: [n, latent]. labels: bool [n, k]."""
    codes = codes.astype(np.float64)
    return -0.5 * (codes**2 + np.log(2 * np.pi)).sum(axis=1)
