"""A model's entry in the config: a family, its options, and sections for what a model of any family may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaematrix.common.errors import UserError
from vaematrix.common.schema import KeyPath, Origin, refuse
from vaematrix.models import families, priors
from vaematrix.models.adversary import Adversary, adversary_of
from vaematrix.models.prior import refuse_misfit

SECTIONS: Mapping[str, type[Any]] = {"adversary": Adversary}  # name → the dataclass of its options; null: without it
PARTS = frozenset(["family", "prior", *SECTIONS])  # the keys of an entry that are no options of its family


def parts_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """`family`, its `options`, and the sections that the entry has, for :func:`vaematrix.models.weights.build`."""
    options = {name: value for name, value in entry.items() if name not in PARTS}
    sections = {name: entry[name] for name in sorted(PARTS) if entry.get(name) is not None}
    return {**sections, "options": options}


def sections_of(entry: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], type[Any]]]:
    """The sections that the entry has: what they say, and the dataclass of their options."""
    sections = {name: (entry[name], kind) for name, kind in SECTIONS.items() if entry.get(name)}
    if isinstance(prior := entry.get("prior"), Mapping):
        sections["prior"] = (prior, priors.load(prior["kind"]))
    return sections


def check_entry(entry: Mapping[str, Any], origin: Origin, at: KeyPath) -> None:
    """Hold all options of an entry against what they may be; a sweep's lists are no values.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    parts = parts_of(entry)
    family = families.create(parts["family"], parts["options"], origin, at)
    prior = priors.prior_of(parts.get("prior"), origin, (*at, "prior"))
    try:
        refuse_misfit(prior, family)
    except UserError as error:
        refuse([((*at, "prior"), str(error))], origin)
    adversary_of(parts.get("adversary"), origin, (*at, "adversary"))
