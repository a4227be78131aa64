"""β-VAE.

    L = -E_q(z|x)[ln p(x|z)] + β·KL(q(z|x) ‖ N(0, I))          (Higgins et al., 2017)
    L = -E_q(z|x)[ln p(x|z)] + γ·|KL(q(z|x) ‖ N(0, I)) - C(t)|   (Burgess et al., 2018; with `capacity`)

C(t) rises linearly from 0 to `capacity` nats over the first `capacity_share` of the training steps.
"""

from torch import Tensor

from vaematrix.common.errors import UserError
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.networks import Network


class BetaVAE(Autoencoder):
    """Options: `beta` > 0; or `capacity` in nats with `gamma` > 0 and `capacity_share` in (0, 1]."""

    def __init__(
        self,
        network: Network,
        sigma: float | None,
        *,
        beta: float = 4.0,
        capacity: float | None = None,
        gamma: float = 1000.0,
        capacity_share: float = 0.5,
    ) -> None:
        if min(beta, gamma) <= 0 or not 0 < capacity_share <= 1 or (capacity is not None and capacity < 0):
            raise UserError(
                f"beta_vae: beta {beta} and gamma {gamma} must be above 0, capacity_share {capacity_share} in (0, 1], "
                f"capacity {capacity} null or at least 0."
            )
        super().__init__(network, sigma)
        self.beta, self.capacity, self.gamma, self.capacity_share = beta, capacity, gamma, capacity_share
        # γ weighs the distance from C and not the KL, which at C costs nothing: γ·σ² would be no β_eff.
        self.kl_weight = beta if capacity is None else None

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.capacity is None:
            return self.beta * kl, {}
        target = self.capacity * (progress / self.capacity_share).clamp_max(1.0)
        return self.gamma * (kl - target).abs(), {}
