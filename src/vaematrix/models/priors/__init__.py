"""One file a prior, named like the file in the config. What a prior is, says :mod:`vaematrix.models.prior`."""

from collections.abc import Mapping
from typing import Any

from vaematrix.common.options import Kinds
from vaematrix.common.schema import KeyPath, Origin
from vaematrix.models.prior import Prior

PRIORS = Kinds(__name__, Prior)
names, load, create = PRIORS.names, PRIORS.load, PRIORS.create


def section(written: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """The prior of a model's entry as `kind` with its options; it may be written as its kind alone, or left out."""
    if written is None:
        return {"kind": "normal"}
    return {"kind": written} if isinstance(written, str) else dict(written)


def prior_of(
    written: str | Mapping[str, Any] | None, origin: Origin = "vaematrix.models", at: KeyPath = ("prior",)
) -> Prior:
    """The prior of a model's entry.

    Args:
        origin: the file that the options stand in, for messages. at: their path there.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    chosen = section(written)
    return create(chosen.pop("kind"), chosen, origin, at)
