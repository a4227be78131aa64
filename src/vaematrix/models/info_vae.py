"""InfoVAE (Zhao et al., 2017).

    L = -E_q(z|x)[ln p(x|z)] + (1 - α)·KL(q(z|x) ‖ N(0, I)) + (α + λ - 1)·MMD²(q(z), N(0, I))

The paper's setting is α = 0, λ = 1000; α = 1 is the MMD-VAE; α = 0, λ = 1 is the VAE.
MMD² compares codes drawn from q(z|x), not their means, with draws from the prior.
"""

from typing import Literal

from torch import Tensor

from vaematrix.common.errors import UserError
from vaematrix.models import losses
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.networks import Network


class InfoVAE(Autoencoder):
    """Options: `alpha` <= 1, `lambda` with alpha + lambda >= 1, and the MMD's `kernel`."""

    extra_terms = ("mmd",)

    def __init__(
        self,
        network: Network,
        sigma: float | None,
        *,
        alpha: float = 0.0,
        lambda_: float = 1000.0,
        kernel: Literal["rbf", "imq"] = "rbf",
    ) -> None:
        if alpha > 1 or alpha + lambda_ < 1:
            raise UserError(
                f"info_vae: alpha {alpha} must be at most 1 and alpha + lambda = {alpha + lambda_} at least 1, "
                "or a term of the loss would be rewarded for growing."
            )
        super().__init__(network, sigma)
        self.kl_weight, self.mmd_weight, self.kernel = 1 - alpha, alpha + lambda_ - 1, kernel

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        mmd = losses.mmd_squared(z, prior, self.kernel)
        return self.kl_weight * kl + self.mmd_weight * mmd, {"mmd": mmd}
