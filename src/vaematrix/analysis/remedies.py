"""What the paper suggests against samples that are no faces, and which models of an experiment show what it brings.

An adversary and a prior of another kind are sections of a model's entry. Two models that differ in these sections alone
tell what the sections bring.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vaematrix.common.records import RunMetrics


class Remedy(NamedTuple):
    """A model with a remedy, and the same one without. Attributes: name: the remedy in words."""

    name: str
    treated: str
    plain: str


def remedies(entries: Mapping[str, Mapping[str, Any]]) -> list[Remedy]:
    """The pairs of models that differ in their adversary or their prior alone, in the order of the entries.

    Args:
        entries: of the config's models, those of a sweep in their entry's place.
    """
    plain: dict[str, str] = {}
    for model, entry in entries.items():
        if not _name(entry):
            plain.setdefault(_rest(entry), model)
    return [
        Remedy(name, model, plain[_rest(entry)])
        for model, entry in entries.items()
        if (name := _name(entry)) and _rest(entry) in plain
    ]


def _name(entry: Mapping[str, Any]) -> str:
    """The entry's remedies in words; empty where it has none."""
    prior = entry.get("prior") or "normal"
    kind = prior if isinstance(prior, str) else prior["kind"]
    parts = ["adversary"] if entry.get("adversary") is not None else []
    return " and ".join(parts + ([f"{kind} prior"] if kind != "normal" else []))


def _rest(entry: Mapping[str, Any]) -> str:
    """Everything else that an entry says, to be compared."""
    return repr(sorted((key, value) for key, value in entry.items() if key not in ("adversary", "prior")))


def trained(groups: Mapping[str, Sequence[RunMetrics]], pairs: Sequence[Remedy]) -> list[Remedy]:
    """Those pairs of which both models have results."""
    return [pair for pair in pairs if pair.treated in groups and pair.plain in groups]
