"""Which models of an experiment show what an adversary or a prior of another kind brings.

Both are parts of a model's entry that are no options of its family. Two models that differ in these parts alone tell
what the parts bring.
"""

from collections.abc import Mapping
from typing import Any

from vaematrix.analysis.remedies import Remedy
from vaematrix.models import priors
from vaematrix.models.entry import SECTIONS, parts_of


def remedies(entries: Mapping[str, Mapping[str, Any]]) -> list[Remedy]:
    """The pairs of models that differ in their adversary or their prior alone, in the order of the entries.

    Args:
        entries: of the config's models, those of a sweep in their entry's place.
    """
    plain: dict[str, str] = {}
    for model, entry in entries.items():
        if not _name(entry):
            plain.setdefault(_same(entry), model)
    return [
        Remedy(name, model, plain[_same(entry)])
        for model, entry in entries.items()
        if (name := _name(entry)) and _same(entry) in plain
    ]


def _name(entry: Mapping[str, Any]) -> str:
    """The entry's remedies in words; empty where it has none."""
    kind = priors.section(entry.get("prior"))["kind"]
    named = [name for name in SECTIONS if entry.get(name) is not None]
    return " and ".join(named + ([f"{kind} prior"] if kind != "normal" else []))


def _same(entry: Mapping[str, Any]) -> str:
    """What the models of a pair have in common: the family and its options, to be compared."""
    parts = parts_of(entry)
    return repr((parts["family"], sorted(parts["options"].items())))
