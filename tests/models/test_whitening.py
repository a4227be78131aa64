"""The whitening: codes get the prior's mean and covariance, and reconstructions stay what they were."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vaematrix.generation.codec import decode, encode
from vaematrix.generation.whiten import whiten
from vaematrix.models import weights
from vaematrix.models.architecture import Network
from vaematrix.models.whitening import fitted

NETWORK = Network(16, (4, 8), 5, 3)


@pytest.fixture(scope="module")
def posteriors() -> tuple[torch.Tensor, torch.Tensor]:
    """Correlated means far from 0, and variances that differ between dimensions and images."""
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(4000, 5, generator=generator) @ torch.randn(5, 5, generator=generator) + 3
    variances = torch.rand(4000, 5, generator=generator) * torch.tensor([0.01, 0.1, 0.5, 1.0, 2.0])
    return means, variances


def test_drawn_codes_have_the_mean_and_covariance_of_the_prior(posteriors: tuple[torch.Tensor, torch.Tensor]) -> None:
    means, variances = posteriors
    mean, log_variance = fitted(means, variances)(means, variances.log())
    covariance = torch.cov(mean.T) + log_variance.exp().mean(0).diag()  # the law of total variance
    torch.testing.assert_close(mean.mean(0), torch.zeros(5), atol=1e-4, rtol=0)
    torch.testing.assert_close(covariance, torch.eye(5), atol=1e-3, rtol=0)


def test_codes_that_are_there_already_are_not_moved() -> None:
    generator = torch.Generator().manual_seed(0)
    means = torch.linalg.qr(torch.randn(4000, 5, generator=generator)).Q * 4000**0.5
    means = torch.linalg.qr(torch.cat([torch.ones(4000, 1), means], 1)).Q[:, 1:] * 3999**0.5 * 0.9**0.5
    whitening = fitted(means, torch.full((4000, 5), 0.1))
    torch.testing.assert_close(whitening.matrix, torch.eye(5), atol=1e-4, rtol=0)
    torch.testing.assert_close(whitening.shift, torch.zeros(5), atol=1e-4, rtol=0)


def test_the_variance_is_the_diagonal_of_the_mapped_covariance(posteriors: tuple[torch.Tensor, torch.Tensor]) -> None:
    means, variances = posteriors
    whitening = fitted(means, variances)
    _, log_variance = whitening(means[:1], variances[:1].log())
    exact = whitening.matrix @ variances[0].diag() @ whitening.matrix.T
    torch.testing.assert_close(log_variance.exp()[0], exact.diagonal())


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_reconstructions_stay_and_a_loaded_model_is_the_same(family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = weights.build(family, NETWORK, None, {}).eval()
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    attributes = generator.random((40, 3)) > 0.5
    before = decode(model, encode(model, images, attributes)[0], attributes)
    plain = encode(model, images, attributes)[0]
    whiten(model, images, attributes)
    codes = encode(model, images, attributes)[0]
    assert not np.allclose(plain, codes)
    after = decode(model, codes, attributes)
    assert np.abs(after.astype(int) - before).max() <= 1, "a grey level on the edge of rounding"
    configuration = {"family": family, "network": NETWORK.as_dict(), "sigma": None, "options": {}}
    weights.save(tmp_path / "model.safetensors", model, configuration, ["a", "b", "c"])
    loaded = weights.load(tmp_path / "model.safetensors", torch.device("cpu"))
    np.testing.assert_array_equal(encode(loaded, images, attributes)[0], codes)
