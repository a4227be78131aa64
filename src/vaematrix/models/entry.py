"""A model's entry in the config: a family, its options, and sections for what a model of any family may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaematrix.common.schema import KeyPath, Origin
from vaematrix.models import families
from vaematrix.models.adversary import Adversary, adversary_of

SECTIONS: Mapping[str, type[Any]] = {"adversary": Adversary}  # name → the dataclass of its options; null: without it


def parts_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """`family`, its `options`, and the sections that the entry has, for :func:`vaematrix.models.weights.build`."""
    options = {name: value for name, value in entry.items() if name != "family" and name not in SECTIONS}
    sections = {name: entry[name] for name in SECTIONS if entry.get(name) is not None}
    return {"family": entry["family"], "options": options, **sections}


def check_entry(entry: Mapping[str, Any], origin: Origin, at: KeyPath) -> None:
    """Hold all options of an entry against what they may be; a sweep's lists are no values.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    parts = parts_of(entry)
    families.create(parts["family"], parts["options"], origin, at)
    adversary_of(parts.get("adversary"), origin, (*at, "adversary"))
