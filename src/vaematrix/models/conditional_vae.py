"""Conditional VAE (Sohn et al., 2015), with the prior independent of the attributes y: p(z|y) = N(0, I).

    L = -E_q(z|x,y)[ln p(x|z,y)] + KL(q(z|x,y) ‖ N(0, I))

Both networks see y. To sample, y is drawn from the empirical joint of the training split, never bit by bit.
"""

from torch import Tensor

from vaematrix.models.autoencoder import Autoencoder


class ConditionalVAE(Autoencoder):
    """The VAE whose encoder and decoder are told the attributes; it has no options."""

    conditional = True

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return kl, {}
