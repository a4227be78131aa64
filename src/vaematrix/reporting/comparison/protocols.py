"""Where two folders differ in what they record of how they were made, and which metrics each difference concerns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaematrix.common.records import (
    EVERY,
    FEATURES,
    HASH,
    NOTHING,
    SAMPLES,
    SETTING,
    Entry,
    RunMetrics,
    RunRecord,
    as_json,
    concerns,
)
from vaematrix.reporting.comparison.folders import Folder

CONCERNS = concerns()
SHOWN_HASHES = ("data", "training_code", "code", "weights_sha256", "samples_sha256")  # the others follow from these
SECTIONS = ("protocol", "settings", "hashes")
ABSENT = "–"


@dataclass(frozen=True)
class Field:
    """A recorded field that differs: both values as text, and the models where it does."""

    name: str
    old: str
    new: str
    models: tuple[str, ...]
    concerns: str = NOTHING


def differing_fields(section: str, old: Folder, new: Folder, models: Sequence[str]) -> list[Field]:
    """The fields of one of SECTIONS that differ; a field with the same two values in several models is listed once."""
    models_by_change: dict[tuple[str, str, str], list[str]] = {}
    for model in models:
        before, after = _recorded_fields(section, old, model), _recorded_fields(section, new, model)
        for name in dict.fromkeys([*before, *after]):
            values = before.get(name, ABSENT), after.get(name, ABSENT)
            if values[0] != values[1]:
                models_by_change.setdefault((name, *values), []).append(model)
    return [
        Field(
            name,
            before,
            after,
            tuple(concerned),
            CONCERNS.get(name.partition(".")[0], EVERY) if section == "protocol" else NOTHING,
        )
        for (name, before, after), concerned in models_by_change.items()
    ]


def reasons_not_to_compare(metric: str, old: Entry, new: Entry, fields: Iterable[Field], of_faces: bool) -> list[str]:
    """Why two entries of metrics.json cannot be compared: each field that differs, with both values.

    Args:
        old, new: the metric's entries in metrics.json.
        fields: the fields of the protocol that differ for this model.
        of_faces: the metric is a mean over faces, which depends on no samples and no features.
    """
    relevant = {EVERY}
    if not of_faces:
        relevant |= {SAMPLES} if old.about not in ("reconstruction", "latent") else set()
        relevant |= {FEATURES} if old.about != "latent" else set()
    reasons = [
        f"{field.name} is {field.old} in A and {field.new} in B" for field in fields if field.concerns in relevant
    ]
    before, after = (
        dict(_flattened({"count": entry.count, "scale": entry.scale, "protocol": entry.protocol}))
        for entry in (old, new)
    )
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            values = f"{before.get(name, ABSENT)} in A and {after.get(name, ABSENT)} in B"
            reasons.append(f"metrics.{metric}.{name} is {values}")
    return reasons


def _recorded_fields(section: str, folder: Folder, model: str) -> dict[str, str]:
    """The fields of one section for a model, each with the different values that its seeds have."""
    values_by_field: dict[str, list[str]] = {}
    for seed, run in folder.runs_of(model).items():
        for name, value in _flattened(_section(section, run, folder.records.get((model, seed), RunRecord()))):
            if value not in values_by_field.setdefault(name, []):
                values_by_field[name].append(value)
    return {name: ", ".join(values) for name, values in values_by_field.items()}


def _section(section: str, run: RunMetrics, record: RunRecord) -> dict[str, Any]:
    """One section of what a run's metrics.json and run.json record."""
    protocol = run.protocol
    if section == "settings":
        of_protocol: dict[str, Any] = {"training": protocol.training, "network_settings": protocol.network_settings}
        parameters = record.parameters or of_protocol
        return {"family": run.run.family, **parameters, "train_images": protocol.train_images}
    if section == "hashes":
        return {name: getattr(protocol, name) for name in SHOWN_HASHES} | {"git_commit": record.git_commit}
    return {name: value for name, value in as_json(protocol).items() if CONCERNS.get(name) not in (SETTING, HASH)}


def _flattened(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """A nested record as pairs of dotted name and text; what is None is left out."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flattened(part, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, str(value)
