"""The change of every metric, score and total that two folders both have, with its interval."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.differences import Difference, holm, judged
from vaematrix.analysis.matrix import Spread
from vaematrix.analysis.measurements import Measurement, measurements, settings
from vaematrix.common.records import Entry
from vaematrix.reporting.comparison.folders import Folder
from vaematrix.reporting.comparison.protocols import SECTIONS, Field, differing_fields, reasons_not_to_compare

BySide = Mapping[str, Mapping[int, Measurement]]  # "A" or "B", then the seed


@dataclass(frozen=True)
class Value:
    """A metric, score or total of one model in both folders.

    Attributes:
        kind: metric, or score (totals too).
        change: B - A; None where comparing is refused.
        differs: why the two were not measured alike; empty where they were.
    """

    model: str
    kind: str
    metric: str
    label: str
    old: Spread
    new: Spread
    change: Difference | None
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that :func:`compare` found.

    Attributes:
        protocol, settings, hashes: the recorded fields that differ.
        values: what was measured, in both folders.
        unmatched: models and seeds that one folder alone has, in words.
    """

    old: Folder
    new: Folder
    protocol: Sequence[Field] = ()
    settings: Sequence[Field] = ()
    hashes: Sequence[Field] = ()
    values: Sequence[Value] = ()
    unmatched: Sequence[str] = ()

    @property
    def refused(self) -> list[Value]:
        """What was not compared."""
        return [value for value in self.values if value.change is None]


def compare(old: Folder, new: Folder, rubric: Mapping[str, Any], *, across_protocols: bool = False) -> Comparison:
    """Compare what both folders have.

    Args:
        rubric: scores both, so that a change of score is a change of the value.
        across_protocols: compare also what was not measured alike.
    """
    models = [model for model in old.models if model in new.models]
    differing = {section: differing_fields(section, old, new, models) for section in SECTIONS}
    values = _metrics(old, new, models, differing["protocol"])
    values += _scores(old, new, models, rubric, values)
    if not across_protocols:
        values = [dataclasses.replace(value, change=None) if value.differs else value for value in values]
    return Comparison(old, new, **differing, values=values, unmatched=_unmatched(old, new))


def _unmatched(old: Folder, new: Folder) -> list[str]:
    """Models and seeds that one folder alone has."""
    found = []
    for side, folder, other in (("A", old, new), ("B", new, old)):
        found += [f"only in {side}: {model}" for model in folder.models if model not in other.models]
        found += [f"only in {side}: {model} seed {seed}" for model, seed in sorted(folder.runs)
                  if model in other.models and (model, seed) not in other.runs]  # fmt: skip
    return found


def _metrics(old: Folder, new: Folder, models: Sequence[str], fields: Sequence[Field]) -> list[Value]:
    """Every metric that a model has in both folders.

    Args:
        fields: the fields of the protocol that differ.
    """
    confidence, _ = settings(list(old.runs.values()))
    measured = _measured(old, new)
    values = []
    for model in models:
        old_entries, new_entries = _entries(old, model), _entries(new, model)
        fields_of_model = [field for field in fields if model in field.models]
        for metric, entry in old_entries.items():
            by_side = {
                side: {seed: measured[side, model, seed][metric] for seed in folder.runs_of(model)
                       if metric in measured[side, model, seed]}
                for side, folder in (("A", old), ("B", new))
            }  # fmt: skip
            if not all(by_side.values()):
                continue
            of_faces = all(
                measurement.resampled is not None for by_seed in by_side.values() for measurement in by_seed.values()
            )
            differs = reasons_not_to_compare(metric, entry, new_entries[metric], fields_of_model, of_faces)
            label = (entry.label or metric) + (f" ({entry.scale})" if entry.scale else "")
            values.append(_value(model, "metric", metric, label, by_side, entry.better, confidence, differs))
    return _adjusted(values)


def _measured(old: Folder, new: Folder) -> dict[tuple[str, str, int], dict[str, Measurement]]:
    """Every metric by side, model and seed; with means over resampled faces where both folders have the same faces."""
    sides = {"A": old, "B": new}
    runs = {(side, *key): run for side, folder in sides.items() for key, run in folder.runs.items()}
    per_image = {(side, *key): frame for side, folder in sides.items() for key, frame in folder.per_image.items()}
    frames = list(per_image.values())
    if not all(frame.index.equals(frames[0].index) for frame in frames):
        per_image = {}
    _, resamples = settings(list(old.runs.values()))
    return measurements(runs, per_image, resamples)


def _entries(folder: Folder, model: str) -> dict[str, Entry]:
    """A model's entries of metrics.json, each of the first seed that has it."""
    entries: dict[str, Entry] = {}
    for run in folder.runs_of(model).values():
        for metric, entry in run.metrics.items():
            entries.setdefault(metric, entry)
    return entries


def _scores(
    old: Folder, new: Folder, models: Sequence[str], rubric: Mapping[str, Any], metrics: Sequence[Value]
) -> list[Value]:
    """The scores and the total of each model under its own weights, where both folders fill the same rows.

    Args:
        metrics: the values of the metrics; scores differ in protocol where these do.
    """
    keys = matrix.matrix_keys(old.runs.values(), rubric)
    if keys != matrix.matrix_keys(new.runs.values(), rubric):
        return []
    confidence, _ = settings(list(old.runs.values()))
    values = []
    for model in models:
        matrices = {
            side: {seed: matrix.evaluation_matrix([run], rubric, keys=keys)
                   for seed, run in folder.runs_of(model).items() if not matrix.lacking(run, keys)}
            for side, folder in (("A", old), ("B", new))
        }  # fmt: skip
        if not all(matrices.values()):
            continue
        differs = {value.metric: value.differs for value in metrics if value.model == model}
        for place, key in enumerate(keys.values()):
            scores = {
                side: {seed: Measurement(float(judged_run.rows[place].score.mean))
                       for seed, judged_run in by_seed.items()}
                for side, by_seed in matrices.items()
            }  # fmt: skip
            label, why = f"Score, {rubric['metrics'][key]['label']}", differs.get(key, ())
            values.append(_value(model, "score", f"score_{key}", label, scores, "higher", confidence, why))
        totals = {
            side: {seed: Measurement(float(judged_run.total.mean)) for seed, judged_run in by_seed.items()}
            for side, by_seed in matrices.items()
        }
        why = tuple(reason for key in keys.values() for reason in differs[key])
        values.append(_value(model, "score", "score_total", "Total", totals, "higher", confidence, why))
    return _adjusted(values)


def _value(
    model: str, kind: str, metric: str, label: str, by_side: BySide, better: str, confidence: float,
    differs: Sequence[str],
) -> Value:  # fmt: skip
    old, new = (
        matrix.spread([decimal(measurement.value) for measurement in by_side[side].values()]) for side in ("A", "B")
    )
    change = judged(by_side["B"], by_side["A"], confidence, metric=metric, first="B", second="A", better=better)
    return Value(model, kind, metric, label, old, new, change, tuple(dict.fromkeys(differs)))


def _adjusted(values: Sequence[Value]) -> list[Value]:
    """The values with p adjusted for the number of models, metric by metric."""
    adjusted = list(values)
    for measure in {(value.kind, value.metric) for value in values}:
        changes = {
            place: value.change for place, value in enumerate(values)
            if (value.kind, value.metric) == measure and value.change is not None
        }  # fmt: skip
        for place, change in zip(changes, holm(list(changes.values())), strict=True):
            adjusted[place] = dataclasses.replace(values[place], change=change)
    return adjusted
