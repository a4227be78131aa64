"""β-VAE.

    L = -E_q(z|x)[ln p(x|z)] + β·KL(q(z|x) ‖ p(z))          (Higgins et al., 2017)
    L = -E_q(z|x)[ln p(x|z)] + γ·|KL(q(z|x) ‖ p(z)) - C(t)|   (Burgess et al., 2018; with `capacity`)

C(t) rises linearly from 0 to `capacity` nats over the first `capacity_share` of the training steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaematrix.common.options import option
from vaematrix.models.family import Family

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BetaVAE(Family):
    """Either `beta`, or `capacity` with `gamma` and `capacity_share`."""

    beta: float = option(4.0, "L = NLL + β·KL", exclusiveMinimum=0)
    capacity: float | None = option(None, "nats; with it L = NLL + γ·|KL − C(t)|, C rising to `capacity`", minimum=0)
    gamma: float = option(1000.0, "γ of the capacity form", exclusiveMinimum=0)
    capacity_share: float = option(0.5, "share of the training steps over which C rises", exclusiveMinimum=0, maximum=1)

    @property
    def kl_weight(self) -> float | None:
        # γ weighs the distance from C and not the KL, which at C costs nothing: γ·σ² would be no β_eff.
        return self.beta if self.capacity is None else None

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.capacity is None:
            return self.beta * kl, {}
        target = self.capacity * (progress / self.capacity_share).clamp_max(1.0)
        return self.gamma * (kl - target).abs(), {}
