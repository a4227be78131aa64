"""Variational autoencoder (Kingma & Welling, 2014).

L = -E_q(z|x)[ln p(x|z)] + KL(q(z|x) ‖ p(z))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaematrix.models.family import Family

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class VAE(Family):
    """The β = 1 of its relatives; it has no options."""

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return kl, {}
