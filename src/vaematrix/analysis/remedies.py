"""What the paper suggests against samples that are no faces: models that have it, and the same ones without."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaematrix.common.records import RunMetrics


class Remedy(NamedTuple):
    """A model with a remedy, and the same one without. Attributes: name: the remedy in words."""

    name: str
    treated: str
    plain: str


def trained(groups: Mapping[str, Sequence[RunMetrics]], pairs: Sequence[Remedy]) -> list[Remedy]:
    """Those pairs of which both models have results."""
    return [pair for pair in pairs if pair.treated in groups and pair.plain in groups]
