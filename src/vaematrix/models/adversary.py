"""The adversary of a model: what a discriminator adds to the loss of any family.

    L   = NLL + family's regulariser + w(t)·λ·L_A
    L_A = -½(E D(x̂) + E D(x̃))
    L_D = ½E[1 - D(x)]₊ + ¼E[1 + D(sg x̂)]₊ + ¼E[1 + D(sg x̃)]₊      (hinge; Lim & Ye, 2017, arXiv 1705.02894)
    λ   = sg clamp(‖∇_W NLL‖ / (‖∇_W L_A‖ + 1e-4), 0, 1e4)           (Esser et al., 2021, arXiv 2012.09841, eq. 7)

x are faces, x̂ = G(z) their reconstructions, x̃ = G(z̃) samples with z̃ from the model's prior; W is the decoder's last
layer, sg stops a gradient. w(t) is 0 until the share `start` of the training is done, lest an untrained discriminator
spoil reconstructions, and rises linearly to `weight` at `full`. The pixels' likelihood stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaematrix.common.errors import UserError
from vaematrix.common.options import filled, option
from vaematrix.common.schema import KeyPath, Origin

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Adversary:
    """The options of `adversary:` in a model's entry."""

    weight: float = option(0.2, "w, what the adversary's gradient is worth beside that of the pixels", minimum=0)
    start: float = option(0.1, "share of the training until which w(t) is 0", minimum=0, exclusiveMaximum=1)
    full: float = option(0.3, "share of the training from which w(t) is `weight`", exclusiveMinimum=0, maximum=1)
    learning_rate: float = option(2e-4, "of the discriminator's Adam, with moments (0.5, 0.999)", exclusiveMinimum=0)

    def __post_init__(self) -> None:
        if self.full <= self.start:
            raise UserError(
                f"has start {self.start:g} and full {self.full:g}; the weight rises from one to the other, so `full` "
                "must be larger."
            )

    def weight_at(self, progress: Tensor) -> Tensor:
        """w(t). Args: progress: the share of training done, a scalar in [0, 1]."""
        return self.weight * ((progress - self.start) / (self.full - self.start)).clamp(0, 1)


def adversary_of(
    values: Mapping[str, Any] | None, origin: Origin = "vaematrix.models", at: KeyPath = ("adversary",)
) -> Adversary | None:
    """The adversary of an entry in the config; None where it has none.

    Args:
        origin: the file that the options stand in, for messages. at: their path there.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    return None if values is None else filled(Adversary, values, origin, at)
