"""The loss vocabulary against closed forms and independent computations."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vaematrix.models import losses


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_kl_is_that_of_torch_distributions() -> None:
    mean, log_variance = normal(5, 7), normal(5, 7, seed=1)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(losses.kl_to_standard_normal(mean, log_variance), expected)


def test_kl_of_the_prior_is_zero_and_sums_over_dimensions() -> None:
    # KL(N(2, 1) ‖ N(0, 1)) = 2 nats a dimension.
    kl = losses.kl_to_standard_normal(torch.full((1, 10), 2.0), torch.zeros(1, 10))
    assert kl.item() == pytest.approx(20.0)
    assert losses.kl_to_standard_normal(torch.zeros(3, 4), torch.zeros(3, 4)).abs().max() == 0


def test_gaussian_nll_is_that_of_a_multivariate_normal() -> None:
    x, mean, sigma = normal(4, 12), normal(4, 12, seed=1), 0.3
    density = MultivariateNormal(mean, torch.eye(12) * sigma**2)
    sse = (x - mean).square().sum(1)
    nll = losses.gaussian_nll(sse, torch.tensor(sigma**2), 12)
    torch.testing.assert_close(nll, -density.log_prob(x), rtol=1e-5, atol=1e-4)


def test_sum_of_squares_sums_over_pixels_not_over_the_batch() -> None:
    x = torch.zeros(2, 3, 4, 4)
    assert losses.sum_of_squares(x, x + 0.5).tolist() == [48 * 0.25] * 2


def test_calibrated_variance_minimises_the_nll_and_leaves_the_optimal_gradient() -> None:
    values = 12
    residual = normal(8, values).requires_grad_()
    sse = residual.square().sum(1)
    variance = losses.calibrated_variance(sse, values)
    assert variance.item() == pytest.approx(residual.square().mean().item())
    nll = losses.gaussian_nll(sse, variance, values).mean()
    for other in (0.9, 1.1):
        assert losses.gaussian_nll(sse, variance * other, values).mean() > nll
    # With σ² = MSE substituted before the derivative: (D/2)·ln(2π·MSE) + D/2 (Rybkin et al., 2021).
    substituted = values / 2 * torch.log(2 * math.pi * residual.square().mean()) + values / 2
    assert nll.item() == pytest.approx(substituted.item(), rel=1e-6)
    (given,) = torch.autograd.grad(nll, residual, retain_graph=True)
    (expected,) = torch.autograd.grad(substituted, residual)
    torch.testing.assert_close(given, expected)


@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_mmd_is_the_unbiased_estimate_written_as_loops(kernel: str) -> None:
    n, d = 5, 3
    x, y = normal(n, d).double(), (normal(n, d, seed=1) * 2 + 1).double()

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        distance = float(((a - b) ** 2).sum())
        if kernel == "rbf":
            return math.exp(-distance / (2 * d))
        return sum(s * 2 * d / (s * 2 * d + distance) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))

    within = sum(k(a[i], a[j]) for a in (x, y) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    between = sum(k(x[i], y[j]) for i in range(n) for j in range(n)) / n**2
    assert losses.mmd_squared(x, y, kernel).item() == pytest.approx(within - 2 * between, abs=1e-5)


@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_mmd_notices_a_halved_latent_scale_at_128_dimensions(kernel: str) -> None:
    """Kernels that divide by the dimension twice score about 1 here."""
    generator = torch.Generator().manual_seed(0)

    def mmd(scale: float) -> float:
        codes, prior = torch.randn(2, 128, 128, generator=generator)
        return losses.mmd_squared(scale * codes, prior, kernel).item()

    null = torch.tensor([mmd(1.0) for _ in range(200)])
    halved = torch.tensor([mmd(0.5) for _ in range(50)])
    assert (halved.mean() - null.mean()) / null.std() > 50
    assert abs(null.mean()) < 3 * null.std() / math.sqrt(200)  # unbiased: zero under the prior


def test_mmd_and_kl_stay_float32_under_autocast() -> None:
    codes = normal(64, 32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = losses.mmd_squared(codes, normal(64, 32, seed=1), "rbf")
    outside = losses.mmd_squared(codes, normal(64, 32, seed=1), "rbf")
    assert inside.dtype == torch.float32
    assert inside.item() == outside.item()
