"""InfoVAE (Zhao et al., 2017).

    L = -E_q(z|x)[ln p(x|z)] + (1 - α)·KL(q(z|x) ‖ p(z)) + (α + λ - 1)·MMD²(q(z), p(z))

The paper's setting is α = 0, λ = 1000; α = 1 is the MMD-VAE; α = 0, λ = 1 is the VAE.
MMD² compares codes drawn from q(z|x), not their means, with draws from the prior. Where the prior is learned, these
are constants: it learns from the KL alone, as in every family, and the MMD moves the codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from vaematrix.common.errors import UserError
from vaematrix.common.options import option
from vaematrix.models.family import Family

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class InfoVAE(Family):
    """`alpha` + `lambda` is at least 1."""

    extra_terms: ClassVar[tuple[str, ...]] = ("mmd",)

    alpha: float = option(0.0, "L = NLL + (1−α)·KL + (α+λ−1)·MMD²", maximum=1)
    lambda_: float = option(1000.0, "λ")
    kernel: Literal["rbf", "imq"] = option("rbf", "kernel of the MMD")

    def __post_init__(self) -> None:
        if self.alpha + self.lambda_ < 1:
            raise UserError(
                f"has alpha + lambda = {self.alpha + self.lambda_}, which must be at least 1, or the loss would reward "
                "codes for lying elsewhere than the prior."
            )

    @property
    def kl_weight(self) -> float:
        return 1 - self.alpha

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        from vaematrix.models.losses import mmd_squared

        mmd = mmd_squared(z, prior, self.kernel)
        return self.kl_weight * kl + (self.alpha + self.lambda_ - 1) * mmd, {"mmd": mmd}
