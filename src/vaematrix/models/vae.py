"""Variational autoencoder (Kingma & Welling, 2014).

L = -E_q(z|x)[ln p(x|z)] + KL(q(z|x) ‖ N(0, I))
"""

from torch import Tensor

from vaematrix.models.autoencoder import Autoencoder


class VAE(Autoencoder):
    """The β = 1 of its relatives; it has no options."""

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return kl, {}
