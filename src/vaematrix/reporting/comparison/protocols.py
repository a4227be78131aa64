"""Where two folders differ in what they record of how they were made, and which metrics each difference concerns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaematrix.analysis.matrix import DATA_PROTOCOL
from vaematrix.reporting.comparison.folders import Folder

EVERY, SAMPLES, FEATURES, NOTHING = "every metric", "metrics of samples", "metrics of features", "nothing, is recorded"
CONCERNS = {
    **dict.fromkeys((*DATA_PROTOCOL, "data"), EVERY),
    **dict.fromkeys(("sampler", "sample_count", "sample_seed", "sampler_fit", "sample_labels"), SAMPLES),
    **dict.fromkeys(("features", "reference_count"), FEATURES),
    **dict.fromkeys(("confidence", "resamples", "device", "versions"), NOTHING),
}
# What a protocol holds besides: settings of the model and hashes, which are compared in sections of their own.
SETTINGS = ("training", "network_settings", "train_images")
HASHES = (
    "code", "training_code", "key", "weights_key", "weights_sha256", "samples_sha256", "reconstructions_sha256",
    "latents_sha256",
)  # fmt: skip
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


def reasons_not_to_compare(
    metric: str, old: Mapping[str, Any], new: Mapping[str, Any], fields: Iterable[Field], of_faces: bool
) -> list[str]:
    """Why two entries of metrics.json cannot be compared: each field that differs, with both values.

    Args:
        old, new: the metric's entries in metrics.json.
        fields: the fields of the protocol that differ for this model.
        of_faces: the metric is a mean over faces, which depends on no samples and no features.
    """
    about = old.get("about")
    relevant = {EVERY}
    if not of_faces:
        relevant |= {SAMPLES} if about not in ("reconstruction", "latent") else set()
        relevant |= {FEATURES} if about != "latent" else set()
    reasons = [
        f"{field.name} is {field.old} in A and {field.new} in B" for field in fields if field.concerns in relevant
    ]
    before, after = (
        dict(_flattened({name: entry.get(name) for name in ("count", "scale", "protocol")})) for entry in (old, new)
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
        for name, value in _flattened(_section(section, run, folder.records.get((model, seed), {}))):
            if value not in values_by_field.setdefault(name, []):
                values_by_field[name].append(value)
    return {name: ", ".join(values) for name, values in values_by_field.items()}


def _section(section: str, run: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """One section of what a run's metrics.json and run.json record."""
    protocol = run["protocol"]
    if section == "settings":
        parameters = record.get("parameters") or {name: protocol.get(name) for name in ("training", "network_settings")}
        return {"family": run["run"].get("family"), **parameters, "train_images": protocol.get("train_images")}
    if section == "hashes":
        return {name: protocol.get(name) for name in SHOWN_HASHES} | {"git_commit": record.get("git_commit")}
    return {name: value for name, value in protocol.items() if name not in (*SETTINGS, *HASHES)}


def _flattened(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """A nested record as pairs of dotted name and text; what is None is left out."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flattened(part, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, str(value)
