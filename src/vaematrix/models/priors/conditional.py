"""A prior for each combination of attributes (Sohn et al., 2015).    p(z | y) = N(μ(y), diag σ²(y))

μ and ln σ² are a network of one hidden layer, which starts at 0: p(z | y) = N(0, I) for every y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.common.options import option
from vaematrix.models.prior import Prior

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity
    from vaematrix.models.posterior import Posterior


@dataclass(frozen=True)
class Conditional(Prior):
    """For conditional families only: the others know no attributes y."""

    conditional: ClassVar[bool] = True

    width: int = option(128, "hidden units", minimum=1)

    def build(self, network: Network, labels: int) -> nn.Module:
        from torch import nn

        last = nn.Linear(self.width, 2 * network.latent)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        return nn.Sequential(nn.Linear(labels, self.width), nn.ReLU(), last)

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        return self.gaussian(of, y).sample(noise)

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        return self.gaussian(of, y).log_prob(z)

    def kl(self, of: PriorDensity, posterior: Posterior, z: Tensor, y: Tensor) -> Tensor:
        """½ Σ (ln σ_p² - ln σ_q² + (σ_q² + (μ_q - μ_p)²)/σ_p² - 1)."""
        prior = self.gaussian(of, y)
        squares = posterior.log_variance.exp() + (posterior.mean - prior.mean).square()
        ratio = squares * (-prior.log_variance).exp()
        return 0.5 * (prior.log_variance - posterior.log_variance + ratio - 1).sum(1)

    def gaussian(self, of: PriorDensity, y: Tensor) -> Posterior:
        """p(z | y) of each y, bool [b, attributes]."""
        from vaematrix.models.networks import signed
        from vaematrix.models.posterior import Posterior

        return Posterior(*of.learnt(signed(y)).chunk(2, dim=1))
