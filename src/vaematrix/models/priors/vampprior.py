"""VampPrior (Tomczak & Welling, 2018, eq. 9): the mean of the posteriors of images that are learned themselves.

    p(z) = 1/K Σ_k q(z | u_k)

The pseudo-inputs u_k = sigmoid(a_k) lie in [0, 1] like images. The encoder of a conditional model is told pseudo-labels
in (0, 1), learned with them. It sees them by the running statistics of batch normalisation, as it does after training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.common.options import option
from vaematrix.models.prior import Prior, code_and_choice

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity
    from vaematrix.models.posterior import Posterior


@dataclass(frozen=True)
class VampPrior(Prior):
    """Fresh pseudo-inputs differ in coarse patches of colour; single pixels would all have the same code."""

    choices: ClassVar[int] = 1

    pseudo_inputs: int = option(50, "K, how many images are learned", minimum=1)

    def build(self, network: Network, labels: int) -> nn.Module:
        import torch
        from torch import nn

        patches = torch.randn(self.pseudo_inputs, 3, network.base, network.base)
        inputs = nn.functional.interpolate(patches, network.size, mode="bilinear")
        learnt = {"inputs": inputs, "labels": torch.randn(self.pseudo_inputs, labels)}
        return nn.ParameterDict(learnt if labels else {"inputs": inputs})

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        code, choice = code_and_choice(noise)
        posteriors = self.pseudo_posteriors(of)
        chosen = (choice * self.pseudo_inputs).long().clamp_max(self.pseudo_inputs - 1)
        return posteriors.of(chosen).sample(code)

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        found = self.pseudo_posteriors(of).log_prob(z[:, None])
        return found.logsumexp(1) - math.log(found.shape[1])

    def pseudo_posteriors(self, of: PriorDensity) -> Posterior:
        """q(z | u_k) of all k."""
        inputs = of.learnt["inputs"].sigmoid()
        labels = of.learnt["labels"].sigmoid() if "labels" in of.learnt else inputs.new_zeros(len(inputs), 0)
        return of.encode(inputs, labels)
