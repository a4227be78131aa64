"""Priors against closed forms, and where the theory says that one is the other."""

import torch

from vaematrix.models import priors
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build

NETWORK = Network(size=16, widths=(4, 8), latent=5, attributes=3)


def test_the_normal_prior_is_that_of_torch_distributions() -> None:
    prior = build("vae", NETWORK, None, {}).prior
    z, y = torch.randn(7, 5), torch.zeros(7, 3, dtype=torch.bool)
    torch.testing.assert_close(prior.log_prob(z, y), torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1))
    assert torch.equal(prior.sample(z, y), z)
    assert not prior.state_dict(), "weights are those of before"
    assert not priors.load("normal").learned
