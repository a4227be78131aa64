"""The network of the diffusion sampler: a residual perceptron, preconditioned as in Karras et al. (2022)."""

import math

import torch
from torch import Tensor, nn

FREQUENCIES = 16


class Denoiser(nn.Module):
    """D(u; σ, y): what is expected of the code under the noise."""

    frequencies: Tensor

    def __init__(self, latent: int, labels: int, width: int, blocks: int) -> None:
        super().__init__()
        # Octaves up from a period that ln σ / 4, which stays within ±2, does not fill.
        self.register_buffer("frequencies", math.pi / 4 * 2.0 ** torch.linspace(0, 5, FREQUENCIES))
        self.condition = nn.Linear(2 * FREQUENCIES + labels, width)
        self.enter = nn.Linear(latent, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Linear(width, latent)
        nn.init.zeros_(self.leave.weight)  # then D is that of N(0, I), which whitened codes are nearly
        nn.init.zeros_(self.leave.bias)

    def forward(self, noisy: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        """Args: noisy [b, latent]; sigma [b, 1]; labels [b, k] in {-1, 1}. Returns [b, latent]."""
        total = sigma**2 + 1
        return noisy / total + sigma / total.sqrt() * self._inner(noisy / total.sqrt(), sigma, labels)

    def slope(self, noisy: Tensor, sigma: float, labels: Tensor) -> Tensor:
        """du/dσ of the probability flow, [b, latent]."""
        return (noisy - self(noisy, noisy.new_full((len(noisy), 1), sigma), labels)) / sigma

    def slope_and_divergence(
        self, noisy: Tensor, sigma: float, labels: Tensor, probes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """du/dσ, [b, latent], and an estimate of its divergence, [b]. Args: probes: of ±1, [b, latent]."""
        with torch.enable_grad():
            noisy = noisy.detach().requires_grad_()
            slope = self.slope(noisy, sigma, labels)
            (product,) = torch.autograd.grad((slope * probes).sum(), noisy)
        return slope.detach(), (product * probes).sum(dim=1)

    def _inner(self, scaled: Tensor, sigma: Tensor, labels: Tensor) -> Tensor:
        angles = sigma.log() / 4 * self.frequencies
        condition = self.condition(torch.cat([angles.sin(), angles.cos(), labels], dim=1))
        hidden = self.enter(scaled)
        for block in self.blocks:
            hidden = hidden + block(hidden + condition)
        return self.leave(hidden)
