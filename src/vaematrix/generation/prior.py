"""The prior that a model was trained with: how codes are drawn from it, and what it says of codes."""

import numpy as np
import torch

from vaematrix.generation.posteriors import noise
from vaematrix.models.autoencoder import Autoencoder

BATCH = 256


@torch.inference_mode()
def draw_prior(model: Autoencoder, labels: np.ndarray, seed: int) -> np.ndarray:
    """One code for each row of labels. Args: labels: bool [n, k], of all attributes. Returns float32 [n, latent]."""
    drawn = torch.from_numpy(noise(len(labels), model.prior.noise_dimensions, seed))
    device = next(model.parameters()).device
    batches = zip(drawn.split(BATCH), torch.from_numpy(labels).split(BATCH), strict=True)
    return torch.cat([model.prior.sample(z.to(device), y.to(device)).cpu() for z, y in batches]).numpy()


@torch.inference_mode()
def prior_log_density(model: Autoencoder, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """ln p(z) or ln p(z | y) of each code in nats, float64 [n]. Args: codes: [n, latent]. labels: bool [n, k]."""
    device = next(model.parameters()).device
    z, y = torch.from_numpy(codes.astype(np.float32)), torch.from_numpy(labels)
    batches = zip(z.split(BATCH), y.split(BATCH), strict=True)
    found = [model.prior.log_prob(z.to(device), y.to(device)).double().cpu() for z, y in batches]
    return torch.cat(found).numpy()
