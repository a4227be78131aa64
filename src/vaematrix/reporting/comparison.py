"""What changed between two folders of results: first how they were measured, then what was measured.

A is the older folder, B the newer; a change is B - A. Measures are compared only where both were measured alike:

- a difference in the data (dataset, split, images, crop, …) concerns every metric;
- one in the sampling concerns what is measured on samples, one in the features what is measured on features;
- one in a metric's own entry (count, scale, protocol) concerns that metric;
- a field that is not known here concerns every metric, since nobody knows that it does not;
- versions, devices and the intervals' settings are told, and stop nothing.
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.differences import (
    SEEDS_FOR_MODELS,
    Difference,
    Measurement,
    holm,
    judged,
    measurements,
    read_per_image,
    settings,
)
from vaematrix.analysis.matrix import DATA_PROTOCOL, Spread
from vaematrix.common.errors import UserError
from vaematrix.common.records import RUN_GLOB
from vaematrix.reporting.tables.full import full
from vaematrix.reporting.tables.printing import printed
from vaematrix.reporting.tables.statistics import interval, number

Key = tuple[str, int]

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
TOLD = ("data", "training_code", "code", "weights_sha256", "samples_sha256")  # the others follow from these


@dataclass(frozen=True)
class Folder:
    """The results of one experiment: metrics.json, run.json (where there is one) and the values of its faces."""

    path: Path
    runs: Mapping[Key, Mapping[str, Any]]
    records: Mapping[Key, Mapping[str, Any]]
    per_image: Mapping[Key, pd.DataFrame]

    @property
    def models(self) -> list[str]:
        """The models in alphabetical order."""
        return sorted({model for model, _ in self.runs})

    def of(self, model: str) -> dict[int, Mapping[str, Any]]:
        """A model's runs by seed."""
        return {seed: self.runs[name, seed] for name, seed in sorted(self.runs) if name == model}


@dataclass(frozen=True)
class Field:
    """Something recorded that differs: in words, for the models where it does."""

    name: str
    old: str
    new: str
    models: tuple[str, ...]
    concerns: str = NOTHING


@dataclass(frozen=True)
class Value:
    """A metric, score or total of one model in both folders; `change` is None where comparing is refused."""

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
    """Everything that :func:`compare` found."""

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


def read_folder(path: str | Path) -> Folder:
    """Read the runs under `<path>/<model>/seed-<n>/`.

    Raises:
        UserError: the folder is absent or holds no metrics.json, or a file is no JSON or lacks what it should hold.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path}: no such folder. Give the results of an experiment, such as results/demo.")
    runs, records, per_image = {}, {}, {}
    for file in sorted(path.glob(f"{RUN_GLOB}/metrics.json")):
        run = _read(file)
        lacking = [name for name in ("run", "metrics", "protocol") if not isinstance(run.get(name), dict)]
        if lacking:
            raise UserError(f"{file}: no {' and no '.join(lacking)} in it; this is no metrics.json of vaematrix.")
        key = run["run"].get("model", file.parts[-3]), run["run"].get("seed", file.parts[-2])
        runs[key] = run
        if (record := file.with_name("run.json")).exists():
            records[key] = _read(record)
        if (faces := file.with_name("per_image.parquet")).exists():
            per_image[key] = read_per_image(faces)
    if not runs:
        raise UserError(
            f"{path}: no <model>/seed-<n>/metrics.json in it. Give the folder of an experiment, such as results/demo, "
            "whose runs are finished."
        )
    return Folder(path, runs, records, per_image)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise UserError(f"{file}: is no regular file. Delete it and run snakemake again.")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: broken JSON ({error}). Delete it and run snakemake again.") from None
    if not isinstance(value, dict):
        raise UserError(f"{file}: holds no JSON object. Delete it and run snakemake again.")
    return value


def compare(old: Folder, new: Folder, rubric: Mapping[str, Any], *, across_protocols: bool = False) -> Comparison:
    """Compare what both folders have.

    Args:
        rubric: scores both, so that a change of score is a change of the value.
        across_protocols: compare also what was not measured alike.
    """
    models = [model for model in old.models if model in new.models]
    differing = {
        section: _differing(section, old, new, models) for section in ("protocol", "settings", "hashes")
    }  # fmt: skip
    values = _metrics(old, new, models, differing["protocol"])
    values += _scores(old, new, models, rubric, values)
    if not across_protocols:
        values = [dataclasses.replace(value, change=None) if value.differs else value for value in values]
    return Comparison(old, new, **differing, values=values, unmatched=_unmatched(old, new))


def _unmatched(old: Folder, new: Folder) -> list[str]:
    """Models and seeds that one folder alone has."""
    found = []
    for name, one, other in (("A", old, new), ("B", new, old)):
        found += [f"only in {name}: {model}" for model in one.models if model not in other.models]
        found += [f"only in {name}: {model} seed {seed}" for model, seed in sorted(one.runs)
                  if model in other.models and (model, seed) not in other.runs]  # fmt: skip
    return found


# --- how it was measured ----------------------------------------------------------------------------------------------


def _recorded(section: str, folder: Folder, model: str) -> dict[str, str]:
    """The fields of one section for a model, each with the different values that its seeds have."""
    seen: dict[str, list[str]] = {}
    for seed, run in folder.of(model).items():
        protocol, record = run["protocol"], folder.records.get((model, seed), {})
        if section == "settings":
            told = record.get("parameters") or {name: protocol.get(name) for name in SETTINGS[:2]}
            values = {"family": run["run"].get("family"), **told, "train_images": protocol.get("train_images")}
        elif section == "hashes":
            values = {name: protocol.get(name) for name in TOLD} | {"git_commit": record.get("git_commit")}
        else:
            values = {name: value for name, value in protocol.items() if name not in (*SETTINGS, *HASHES)}
        for name, value in _flat(values):
            if value not in seen.setdefault(name, []):
                seen[name].append(value)
    return {name: ", ".join(values) for name, values in seen.items()}


def _flat(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """A nested record as (dotted name, text)."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, str(value)


def _differing(section: str, old: Folder, new: Folder, models: Sequence[str]) -> list[Field]:
    """The fields of a section that differ, those alike in several models as one."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for model in models:
        before, after = _recorded(section, old, model), _recorded(section, new, model)
        for name in dict.fromkeys([*before, *after]):
            pair = before.get(name, "–"), after.get(name, "–")
            if pair[0] != pair[1]:
                found.setdefault((name, *pair), []).append(model)
    concerns = {name: CONCERNS.get(name.partition(".")[0], EVERY) if section == "protocol" else NOTHING
                for name, *_ in found}  # fmt: skip
    return [Field(*key, tuple(models), concerns[key[0]]) for key, models in found.items()]


def _in_the_way(
    metric: str, old: Mapping[str, Any], new: Mapping[str, Any], fields: Iterable[Field], of_faces: bool
) -> list[str]:
    """Why two entries of metrics.json cannot be compared: each field that differs, with both values.

    Args:
        of_faces: the metric is a mean over faces, which knows no samples and no features.
    """
    about = old.get("about")
    touched = {EVERY}
    touched |= {SAMPLES} if about not in ("reconstruction", "latent") else set()
    touched |= {FEATURES} if about != "latent" else set()
    touched = {EVERY} if of_faces else touched
    found = [f"{one.name} is {one.old} in A and {one.new} in B" for one in fields if one.concerns in touched]
    before, after = (
        dict(_flat({name: entry.get(name) for name in ("count", "scale", "protocol")})) for entry in (old, new)
    )
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            found.append(f"metrics.{metric}.{name} is {before.get(name, '–')} in A and {after.get(name, '–')} in B")
    return found


# --- what was measured ------------------------------------------------------------------------------------------------


def _metrics(old: Folder, new: Folder, models: Sequence[str], fields: Sequence[Field]) -> list[Value]:
    """Every metric that a model has in both folders, B - A; paired face by face where both have the same faces."""
    sides = {"A": old, "B": new}
    runs = {(side, *key): run for side, folder in sides.items() for key, run in folder.runs.items()}
    faces = {(side, *key): frame for side, folder in sides.items() for key, frame in folder.per_image.items()}
    first = next(iter(faces.values()), None)
    if not all(frame.index.equals(first.index) for frame in faces.values()):
        faces = {}
    confidence, resamples = settings(list(old.runs.values()))
    measured = measurements(runs, faces, resamples)
    values = []
    for model in models:
        entries = [_entries(folder, model) for folder in sides.values()]
        mine = [one for one in fields if model in one.models]
        for metric in entries[0]:
            of = {
                side: {seed: measured[side, model, seed][metric] for seed in folder.of(model)
                       if metric in measured[side, model, seed]}
                for side, folder in sides.items()
            }  # fmt: skip
            if not all(of.values()):
                continue
            before, after = (entry[metric] for entry in entries)
            of_faces = all(one.resampled is not None for side in of.values() for one in side.values())
            differs = _in_the_way(metric, before, after, mine, of_faces)
            label = before.get("label", metric) + (f" ({before['scale']})" if before.get("scale") else "")
            values.append(_value(model, "metric", metric, label, of, before.get("better", ""), confidence, differs))
    return _adjusted(values)


def _entries(folder: Folder, model: str) -> dict[str, Mapping[str, Any]]:
    """A model's entries of metrics.json, each of the first seed that has it."""
    found: dict[str, Mapping[str, Any]] = {}
    for run in folder.of(model).values():
        found = {**found, **{metric: entry for metric, entry in run["metrics"].items() if metric not in found}}
    return found


def _value(
    model: str, kind: str, metric: str, label: str, of: Mapping[str, Mapping[int, Measurement]], better: str,
    confidence: float, differs: Sequence[str],
) -> Value:  # fmt: skip
    spreads = [matrix.spread([decimal(one.value) for one in of[side].values()]) for side in "AB"]
    change = judged(of["B"], of["A"], confidence, metric=metric, first="B", second="A", better=better)
    return Value(model, kind, metric, label, *spreads, change, tuple(dict.fromkeys(differs)))


def _adjusted(values: Sequence[Value]) -> list[Value]:
    """The values with p adjusted for the number of models, metric by metric."""
    result = list(values)
    for measure in {(value.kind, value.metric) for value in values}:
        places = [place for place, value in enumerate(values) if (value.kind, value.metric) == measure]
        for place, change in zip(places, holm([values[place].change for place in places]), strict=True):
            result[place] = dataclasses.replace(values[place], change=change)
    return result


def _scores(
    old: Folder, new: Folder, models: Sequence[str], rubric: Mapping[str, Any], metrics: Sequence[Value]
) -> list[Value]:
    """The scores and the total of each model under its own weights, where both folders fill the same rows."""
    keys = matrix.matrix_keys(old.runs.values(), rubric)
    if keys != matrix.matrix_keys(new.runs.values(), rubric):
        return []
    confidence, _ = settings(list(old.runs.values()))
    values = []
    for model in models:
        judgements = {
            side: {seed: matrix.evaluation_matrix([run], rubric, keys=keys)
                   for seed, run in folder.of(model).items() if not matrix.lacking(run, keys)}
            for side, folder in (("A", old), ("B", new))
        }  # fmt: skip
        if not all(judgements.values()):
            continue
        differs = {value.metric: value.differs for value in metrics if value.model == model}
        for place, key in enumerate([*keys.values(), "total"]):
            of = {
                side: {seed: Measurement(float((one.rows[place].score if key != "total" else one.total).mean))
                       for seed, one in by_seed.items()}
                for side, by_seed in judgements.items()
            }  # fmt: skip
            label = "Total" if key == "total" else f"Score, {rubric['metrics'][key]['label']}"
            why = differs.get(key, ()) if key != "total" else [why for name in keys.values() for why in differs[name]]
            values.append(_value(model, "score", f"score_{key}", label, of, "higher", confidence, why))
    return _adjusted(values)


# --- in print ---------------------------------------------------------------------------------------------------------


def sections(found: Comparison) -> list[tuple[str, pd.DataFrame, str]]:
    """(heading, table, note) in the order in which they should be read; empty ones are left out but the protocol's."""
    several = len(found.old.models) > 1
    named = [
        ("How it was measured", found.protocol, ["Field", "A", "B", "Concerns"], "Both were measured alike."),
        ("Settings", found.settings, ["Setting", "A", "B"], ""),
        ("Data, code and hashes", found.hashes, ["Hash", "A", "B"], ""),
    ]
    result = []
    for heading, fields, columns, alike in named:
        rows = [
            [one.name, *map(_short, (one.old, one.new)), *([one.concerns] if "Concerns" in columns else []),
             ", ".join(one.models)]
            for one in fields
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=[*columns, "Models"], dtype=object)
        result.append((heading, frame if several else frame.drop(columns="Models"), "" if rows else alike))
    unmatched = pd.DataFrame({"What one folder alone has": list(found.unmatched)}, dtype=object)
    result.append(("Not in both", unmatched, "These are not compared." if found.unmatched else ""))
    note = (
        "B − A is the mean over the n seeds that both have. The interval covers the faces where there is one seed, "
        "faces and seeds where there are several, and for scores and measures of whole sets the seeds, paired seed by "
        "seed. With one seed it speaks of two trained networks on other faces; A or B is called better from "
        f"{SEEDS_FOR_MODELS} seeds on, after Holm's adjustment for the number of models in each metric."
    )
    if not any(value.kind == "score" for value in found.values):
        note += " No scores: no model of both has a value in every row of the matrix, and the rows filled alike."
    result.append(("What changed", values_frame(found), note))
    return [part for part in result if len(part[1]) or part[2]]


def _short(text: str) -> str:
    """The beginning of each hash, and of any longer text."""
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]+", r"\1…", text)
    return text if len(text) <= 48 else f"{text[:47]}…"


def values_frame(found: Comparison) -> pd.DataFrame:
    """Old, new, change and interval of all that both have; what was refused has neither value nor change."""
    rows = []
    for value in found.values:
        head = [value.model, value.label]
        if value.change is None:
            rows.append([*head, None, None, None, None, None, None, "not measured alike: refused"])
            continue
        places = _places(value)
        rows.append(
            [
                *head,
                printed(value.old, places),
                printed(value.new, places),
                number(value.change.value, places),
                interval(value.change, places),
                str(value.change.n),
                value.change.covers,
                value.change.verdict + (" (measured otherwise)" if value.differs else ""),
            ]
        )
    columns = ["Model", "Metric", "A", "B", "B − A", "Interval", "n", "Covers", "Claim"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _places(value: Value) -> int:
    """Decimals that show four digits of the smaller of both means, from 2 to 6."""
    least = min(abs(float(value.old.mean)), abs(float(value.new.mean)))
    return 2 if value.kind == "score" or not least else max(2, min(6, 3 - math.floor(math.log10(least))))


def refusal(found: Comparison) -> str:
    """What was refused and why, and how to compare it all the same; empty where nothing was."""
    why: dict[tuple[str, ...], dict[str, None]] = {}
    for value in found.refused:
        why.setdefault(value.differs, {})[value.label] = None
    lines = [f"{', '.join(labels)}: {'; '.join(reasons)}" for reasons, labels in why.items()]
    if not lines:
        return ""
    return "\n".join(
        ["not compared, because not measured alike:", *lines,
         "Measure both alike, or compare all the same with FORCE=1 (--across-protocols)."]
    )  # fmt: skip


def rows(found: Comparison) -> pd.DataFrame:
    """Everything in full precision, one row each, for CSV."""
    result = [
        {"section": section, "models": "; ".join(one.models), "what": one.name, "old": one.old, "new": one.new,
         "concerns": one.concerns}
        for section in ("protocol", "settings", "hashes")
        for one in getattr(found, section)
    ]  # fmt: skip
    result += [{"section": "not in both", "what": text} for text in found.unmatched]
    for value in found.values:
        row = {"section": value.kind, "models": value.model, "what": value.metric, "label": value.label}
        if value.change is None:
            result.append(row | {"claim": "refused", "concerns": "; ".join(value.differs)})
            continue
        row |= {"old": full(value.old.mean), "old_sd": full(value.old.sd), "old_n": value.old.n}
        row |= {"new": full(value.new.mean), "new_sd": full(value.new.sd), "new_n": value.new.n}
        row |= {name: full(getattr(value.change, name)) for name in ("low", "high", "p", "p_holm")}
        row |= {"change": full(value.change.value) if value.change.n else None, "n": value.change.n}
        result.append(row | {"covers": value.change.covers, "claim": value.change.verdict,
                             "concerns": "; ".join(value.differs)})  # fmt: skip
    columns = [
        "section", "models", "what", "label", "old", "old_sd", "old_n", "new", "new_sd", "new_n", "change", "low",
        "high", "n", "covers", "p", "p_holm", "claim", "concerns",
    ]  # fmt: skip
    return pd.DataFrame(result, columns=columns, dtype=object)
