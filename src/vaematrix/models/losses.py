"""The one vocabulary of losses: sums over dimensions, so that all terms are nats per image.

    L = SSE/(2σ²) + (D/2)·ln(2πσ²) + β·KL + λ·MMD²,    x in [0, 1]^D

A mean over pixels beside a sum over latent dimensions would multiply β by D without saying so.
What weighs reconstruction against the prior is β_eff = β·σ²: scaling L by σ² leaves SSE/2 + β·σ²·KL.
"""

import math

import torch
from torch import Tensor

IMQ_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def sum_of_squares(x: Tensor, reconstruction: Tensor) -> Tensor:
    """SSE of each image. Args: two [b, 3, h, w] in [0, 1]. Returns float32 [b]."""
    return (x.float() - reconstruction.float()).square().flatten(1).sum(1)


def gaussian_nll(sse: Tensor, variance: Tensor, values: int) -> Tensor:
    """-ln N(x; x̂, σ²I) in nats: SSE/(2σ²) + (D/2)·ln(2πσ²). Args: sse [b], variance scalar σ², values D."""
    return sse / (2 * variance) + (values / 2) * torch.log(2 * math.pi * variance)


def calibrated_variance(sse: Tensor, values: int) -> Tensor:
    """σ² = the batch's MSE, the maximum-likelihood variance (σ-VAE; Rybkin et al., 2021, eq. 5).

    It is taken as a constant: at the optimum ∂L/∂σ² = 0, so the gradient of the other parameters is the same.
    """
    return (sse.detach().mean() / values).clamp_min(1e-6)


def kl_per_dimension(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) = ½ (μ² + σ² - 1 - ln σ²) in nats. Args: two float32 [b, d]. Returns [b, d]."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) in nats, the sum over dimensions. Args: two float32 [b, d]. Returns [b]."""
    return kl_per_dimension(mean, log_variance).sum(1)


def rbf_kernel(squared_distance: Tensor, dimensions: int) -> Tensor:
    """exp(-‖d‖²/(2·dim)): the bandwidth grows with the expected ‖d‖² = 2·dim of two standard normals."""
    return torch.exp(-squared_distance / (2 * dimensions))


def imq_kernel(squared_distance: Tensor, dimensions: int) -> Tensor:
    """Σ_s C/(C + ‖d‖²) with C = s·2·dim: the inverse multi-quadrics of the WAE (Tolstikhin et al., 2018)."""
    scales = [scale * 2 * dimensions for scale in IMQ_SCALES]
    return torch.stack([c / (c + squared_distance) for c in scales]).sum(0)


KERNELS = {"rbf": rbf_kernel, "imq": imq_kernel}


def mmd_squared(codes: Tensor, prior: Tensor, kernel: str) -> Tensor:
    """The unbiased estimate of MMD²(q(z), p(z)) (Gretton et al., 2012, eq. 3); it can be slightly negative.

    Args:
        codes: [b, d] drawn from q(z | x), not its means. prior: [b, d] drawn from p(z).
        kernel: a name in :data:`KERNELS`.

    Returns:
        A float32 scalar; in float32 also under autocast, where bfloat16 distances would drown the signal.
    """
    with torch.autocast(codes.device.type, enabled=False):
        codes, prior = codes.float(), prior.float()
        n, dimensions = codes.shape

        def within(a: Tensor) -> Tensor:
            gram = KERNELS[kernel](_squared_distances(a, a), dimensions)
            return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))

        between = KERNELS[kernel](_squared_distances(codes, prior), dimensions).mean()
        return within(codes) + within(prior) - 2 * between


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    return (a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T).clamp_min(0)
