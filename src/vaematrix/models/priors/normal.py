"""The standard normal prior (Kingma & Welling, 2014).    p(z) = N(0, I)"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.models.prior import Prior

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity
    from vaematrix.models.posterior import Posterior


@dataclass(frozen=True)
class Normal(Prior):
    """The prior that is not learned; it has no options."""

    learned: ClassVar[bool] = False

    def build(self, network: Network, labels: int) -> nn.Module:
        from torch import nn

        return nn.Module()

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        return noise

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    def kl(self, of: PriorDensity, posterior: Posterior, z: Tensor, y: Tensor) -> Tensor:
        from vaematrix.models.losses import kl_to_standard_normal

        return kl_to_standard_normal(*posterior)
