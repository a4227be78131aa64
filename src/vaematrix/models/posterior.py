"""q(z | x), the Gaussian that an encoder gives an image."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Posterior(NamedTuple):
    """q(z | x) = N(mean, exp(log_variance)), both float32 [b, latent]."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = μ + σ·ε with ε = noise, [b, latent]."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def of(self, rows: Tensor) -> "Posterior":
        """The posteriors of some images. Args: rows: their numbers, int64 [n]."""
        return Posterior(self.mean[rows], self.log_variance[rows])

    def log_prob(self, z: Tensor) -> Tensor:
        """ln q(z | x) in nats, [b], each z under its own posterior. Args: z: [b, latent], or broadcast against it."""
        squares = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (squares + self.log_variance + math.log(2 * math.pi)).sum(-1)
