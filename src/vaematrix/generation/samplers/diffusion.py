"""Diffusion on codes: a small network that denoises them (Karras et al., 2022, "EDM", Table 1; σ_data = 1).

    D(u; σ, y) = c_skip·u + c_out·F(c_in·u; ln σ / 4, y)
    c_skip = 1/(σ² + 1),  c_out = σ/√(σ² + 1),  c_in = 1/√(σ² + 1)
    L = E[(σ² + 1)/σ²·‖D(u + σε; σ, y) - u‖²],  ln σ ~ N(-0.5, 1.2²)
    du/dσ = (u - D(u; σ, y))/σ from σ = 80 to 0.002, in Heun's steps with ρ = 7,    z = W·(1, y) + L·u

ln σ is drawn as there, in units of the data's standard deviation (theirs 0.5; e^-1.2/0.5 = e^-0.5). The density of what
is drawn is that of this ordinary differential equation (Song et al., 2021, eq. 39), with Hutchinson's estimate of the
divergence, one probe a code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from vaematrix.common.options import option
from vaematrix.generation.sampler import Fit, Place, Sampler

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from vaematrix.generation.denoiser import Denoiser
    from vaematrix.generation.posteriors import Posteriors, State

LOWEST, HIGHEST, RHO = 0.002, 80.0, 7
LOG_MEAN, LOG_DEVIATION = -0.5, 1.2
DENSITY_STEPS = 40  # whatever draws take: with fewer, the estimate is too high
_AT_ONCE = 4096


@dataclass(frozen=True)
class Diffusion(Sampler):
    """Trained on codes drawn anew in each epoch."""

    density: ClassVar[str] = "estimated: probability-flow ODE, one Hutchinson probe a code"

    width: int = option(256, "units in each hidden layer of the denoiser", minimum=1)
    blocks: int = option(3, "residual blocks of the denoiser", minimum=1)
    epochs: int = option(100, "passes over the codes", minimum=1)
    learning_rate: float = option(1e-3, "of Adam; it falls to zero along a half cosine", exclusiveMinimum=0)
    steps: int = option(40, "Heun steps from noise to code", minimum=1)

    def fit(self, train: Posteriors, place: Place) -> Fit:
        from vaematrix.generation.density_network import Schedule, fit_network, network_state
        from vaematrix.generation.linear_gaussian import LinearGaussian

        gaussian = LinearGaussian.of(train.draw(0), train.labels)
        denoiser = self._denoiser(train.means.shape[1], train.labels.shape[1])

        def loss(white: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
            sigma = (LOG_MEAN + LOG_DEVIATION * _normal((len(white), 1), generator)).exp()
            noisy = white + sigma * _normal(white.shape, generator)
            error = (denoiser(noisy, sigma, labels) - white).square().mean(dim=1)
            return error * ((sigma**2 + 1) / sigma**2).squeeze(1)

        about = fit_network(denoiser, loss, train, gaussian, Schedule(self.epochs, self.learning_rate), place)
        return Fit({**gaussian.state, **network_state(denoiser)}, about)

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        import torch

        from vaematrix.generation.density_network import label_tensor
        from vaematrix.generation.linear_gaussian import LinearGaussian
        from vaematrix.generation.posteriors import noise

        denoiser, gaussian = self._fitted(state), LinearGaussian.from_state(state)
        white = HIGHEST * torch.from_numpy(noise(len(labels), len(gaussian.factor), seed))
        y = label_tensor(labels)
        with torch.no_grad():
            for sigma, lower in pairwise(_sigmas(self.steps)):
                slope = denoiser.slope(white, sigma, y)
                guess = white + (lower - sigma) * slope
                white = white + (lower - sigma) * (slope + denoiser.slope(guess, lower, y)) / 2
            white = denoiser(white, torch.full((len(white), 1), LOWEST), y)  # the last step, to σ = 0
        return gaussian.colour(white.numpy(), labels)

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        import numpy as np
        import torch

        from vaematrix.generation.density_network import label_tensor
        from vaematrix.generation.linear_gaussian import LinearGaussian
        from vaematrix.generation.posteriors import noise

        denoiser, gaussian = self._fitted(state), LinearGaussian.from_state(state)
        white = torch.from_numpy(gaussian.whiten(codes, labels)).float()
        probes = torch.from_numpy(np.sign(noise(*white.shape, 0)))
        parts = zip(white.split(_AT_ONCE), label_tensor(labels).split(_AT_ONCE), probes.split(_AT_ONCE), strict=True)
        log_prob = torch.cat([self._log_prob(denoiser, *part) for part in parts])
        return log_prob.numpy() - gaussian.log_volume

    def _log_prob(self, denoiser: Denoiser, white: Tensor, labels: Tensor, probes: Tensor) -> Tensor:
        """ln p(u) = ln N(u(80); 0, 80²I) + ∫ div(du/dσ) dσ from 0.002 to 80, float64 [b].

        By the classical Runge-Kutta steps: of N(0, I) in 64 dimensions, 40 of Heun's would miss 1.3 nats, these 0.002.
        """
        import torch

        volume = white.new_zeros(len(white))
        for sigma, higher in pairwise(_sigmas(DENSITY_STEPS)[::-1]):
            slopes, divergences = [torch.zeros_like(white)], []
            for share in (0.0, 0.5, 0.5, 1.0):
                step = share * (higher - sigma)
                slope, divergence = denoiser.slope_and_divergence(
                    white + step * slopes[-1], sigma + step, labels, probes
                )
                slopes.append(slope)
                divergences.append(divergence)
            white = white + (higher - sigma) * _simpson(slopes[1:])
            volume = volume + (higher - sigma) * _simpson(divergences)
        end = -0.5 * ((white / HIGHEST).double().square() + math.log(2 * math.pi * HIGHEST**2)).sum(dim=1)
        return end + volume.double()

    def _denoiser(self, latent: int, labels: int) -> Denoiser:
        """With fresh weights, the same each time."""
        import torch

        from vaematrix.generation.denoiser import Denoiser

        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return Denoiser(latent, labels, self.width, self.blocks)

    def _fitted(self, state: State) -> Denoiser:
        from vaematrix.generation.density_network import load_network_state

        denoiser = self._denoiser(len(state["gaussian.factor"]), len(state["gaussian.weights"]) - 1)
        load_network_state(denoiser, state)
        return denoiser


def _sigmas(steps: int) -> list[float]:
    """From the highest to the lowest, evenly in σ^(1/ρ); one more than there are steps."""
    import numpy as np

    return [float(root) ** RHO for root in np.linspace(HIGHEST ** (1 / RHO), LOWEST ** (1 / RHO), steps + 1)]


def _simpson(values: Sequence[Tensor]) -> Tensor:
    """The mean of what the four stages of a Runge-Kutta step found."""
    first, second, third, last = values
    return (first + 2 * second + 2 * third + last) / 6


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    import torch

    return torch.randn(shape, generator=generator)
