"""Conditional VAE (Sohn et al., 2015).

    L = -E_q(z|x,y)[ln p(x|z,y)] + KL(q(z|x,y) ‖ p(z|y))

Both networks see y; the prior does where it is `conditional`, else p(z|y) = p(z).
To sample, y is drawn from the empirical joint of the training split, never bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.models.family import Family

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ConditionalVAE(Family):
    """The VAE whose encoder and decoder are told the attributes; it has no options."""

    conditional: ClassVar[bool] = True

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return kl, {}
