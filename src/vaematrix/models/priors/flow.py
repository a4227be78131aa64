"""A normalising flow, trained with the model.    p(z) = N(f(z); 0, I)·|det ∂f/∂z|

f is a stack of masked affine coupling layers (Dinh et al., 2017; in the form of Papamakarios et al., 2017, of zuko),
each of which moves one half of the code by what the other half says. It starts as the identity, where p(z) = N(0, I).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaematrix.common.options import option
from vaematrix.models.prior import Prior

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity


@dataclass(frozen=True)
class Flow(Prior):
    """Fast both ways: a code's density and a draw take one pass each through every layer."""

    layers: int = option(4, "coupling layers of the flow", minimum=1)
    width: int = option(128, "hidden units of the two hidden layers in each of them", minimum=1)

    def build(self, network: Network, labels: int) -> nn.Module:
        from torch import nn
        from zuko.flows import MAF

        flow = MAF(network.latent, transforms=self.layers, hidden_features=(self.width, self.width), passes=2)
        for layer in flow.transform.transforms:
            nn.init.zeros_(layer.hyper[-1].weight)
            nn.init.zeros_(layer.hyper[-1].bias)
        return flow

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        return of.learnt().transform.inv(noise)

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        return of.learnt().log_prob(z)
