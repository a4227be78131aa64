"""What a family is: what it adds to the negative log likelihood.

A family is one file whose one class is a frozen dataclass derived from :class:`Family`; its fields are the options of
an entry in the config (:mod:`vaematrix.common.options`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Family:
    """Base of all families.

    Attributes:
        conditional: whether encoder and decoder see the attributes y.
        extra_terms: names of further terms that :meth:`regulariser` reports.
    """

    conditional: ClassVar[bool] = False
    extra_terms: ClassVar[tuple[str, ...]] = ()

    @property
    def kl_weight(self) -> float | None:
        """The factor of the KL in the loss, for β_eff = kl_weight·σ²; None where the loss has no such term."""
        return 1.0

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """What the family adds to the negative log likelihood.

        Args:
            kl: the batch's mean KL in nats. z: codes drawn from q(z | x), [b, latent].
            prior: as many drawn from the model's prior, taken as constants.
            progress: the share of training done, a scalar in [0, 1].

        Returns:
            The weighted sum in nats, and the values of :attr:`extra_terms`, unweighted.
        """
        raise NotImplementedError
