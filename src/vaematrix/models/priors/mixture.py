"""A mixture of Gaussians, learned.    p(z) = Σ_k w_k N(m_k, L_k L_kᵀ)

Weights, means and covariances are parameters: w = softmax(a), L lower triangular with exp on its diagonal. The mixture
starts with about the mean 0 and the covariance I, half of it within the components and half of it between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.common.options import option
from vaematrix.models.prior import Prior, code_and_choice

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity


@dataclass(frozen=True)
class Mixture(Prior):
    """One component is a Gaussian of any mean and covariance."""

    choices: ClassVar[int] = 1

    components: int = option(10, "how many Gaussians", minimum=1)

    def build(self, network: Network, labels: int) -> nn.Module:
        import torch
        from torch import nn

        between = 0.5 if self.components > 1 else 0.0
        scale = 0.5 * torch.log(torch.tensor(1 - between)) * torch.eye(network.latent)
        return nn.ParameterDict(
            {
                "logits": torch.zeros(self.components),
                "means": between**0.5 * torch.randn(self.components, network.latent),
                "factors": scale.repeat(self.components, 1, 1),
            }
        )

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        code, choice = code_and_choice(noise)
        ends = of.learnt["logits"].softmax(0).cumsum(0)
        chosen = (choice[:, None] > ends[:-1]).sum(1)
        return of.learnt["means"][chosen] + (self.factors(of)[chosen] @ code[:, :, None]).squeeze(2)

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

        weights = Categorical(logits=of.learnt["logits"], validate_args=False)
        gaussians = MultivariateNormal(of.learnt["means"], scale_tril=self.factors(of), validate_args=False)
        return MixtureSameFamily(weights, gaussians, validate_args=False).log_prob(z)

    def factors(self, of: PriorDensity) -> Tensor:
        """L_k, [components, latent, latent]."""
        import torch

        free = of.learnt["factors"]
        return free.tril(-1) + torch.diag_embed(free.diagonal(dim1=1, dim2=2).exp())
