"""What a prior is: the density of codes that a model is trained with, and samples of it are drawn from.

A prior is one file whose one class is a frozen dataclass derived from :class:`Prior`; its fields are the options of an
entry in the config (:mod:`vaematrix.common.options`). What it has learnt is a torch module that it makes, and that
:class:`vaematrix.models.density.PriorDensity` hands to its methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vaematrix.common.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vaematrix.models.architecture import Network
    from vaematrix.models.density import PriorDensity
    from vaematrix.models.family import Family
    from vaematrix.models.posterior import Posterior


@dataclass(frozen=True)
class Prior:
    """Base of all priors. Their methods get what was learnt as `of.learnt`, and float32 without autocast.

    Attributes:
        learned: whether training moves it.
        conditional: whether it is p(z | y), which only a conditional family can have.
        choices: how many standard normal numbers a draw needs beside those of its code: 1 where it chooses a component.
    """

    learned: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    choices: ClassVar[int] = 0

    def build(self, network: Network, labels: int) -> nn.Module:
        """What training moves, fresh from torch's global generator. Args: labels: attributes that the model is told."""
        raise NotImplementedError

    def sample(self, of: PriorDensity, noise: Tensor, y: Tensor) -> Tensor:
        """Draws, [b, latent]. Args: noise: standard normal [b, latent + choices]. y: bool [b, attributes]."""
        raise NotImplementedError

    def log_prob(self, of: PriorDensity, z: Tensor, y: Tensor) -> Tensor:
        """ln p(z) or ln p(z | y) in nats, [b]. Args: z: [b, latent]. y: bool [b, attributes]."""
        raise NotImplementedError

    def kl(self, of: PriorDensity, posterior: Posterior, z: Tensor, y: Tensor) -> Tensor:
        """KL(q(z | x) ‖ p) in nats, [b], or an estimate of it without bias: ln q(z | x) - ln p(z), z ~ q(z | x).

        Both terms are taken of the same z, so that the estimate has no variance where the two densities are equal.
        """
        return posterior.log_prob(z) - self.log_prob(of, z, y)


def code_and_choice(noise: Tensor) -> tuple[Tensor, Tensor]:
    """What a draw of a component needs: normal numbers for its code, [b, latent], and a uniform one to choose it, [b].

    Args:
        noise: standard normal [b, latent + 1].
    """
    from torch.special import ndtr

    return noise[:, :-1], ndtr(noise[:, -1])


def refuse_misfit(prior: Prior, family: Family) -> None:
    """Raise a UserError if a family cannot be trained with a prior."""
    if prior.conditional and not family.conditional:
        raise UserError("is conditioned on attributes y, which this family is not told; use a conditional family.")
    if prior.learned and not family.kl_weight:
        raise UserError(
            "is learned from the KL, which this family's options give no weight of its own (`capacity` rewards a prior "
            "that finds codes unlikely, and `alpha: 1` leaves the KL out); use prior: normal, or other options."
        )
