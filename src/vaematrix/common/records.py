"""The records that every run leaves, `run.json` and `metrics.json`: what they hold, where they lie, what has to agree.

Nobody else writes or reads these files. A field that came later is absent from an older record, and None when that is
read; a field of a protocol that is not known here is kept under `further`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from vaematrix.common.errors import UserError
from vaematrix.common.files import read_json, write_json

# The folder of a run below its experiment's, as a pattern with Snakemake's wildcards, and for pathlib.
RUN_FOLDER = "{model}/seed-{seed}"
RUN_GLOB = "*/seed-*"
SAMPLER_FOLDER = "samplers/{sampler}"  # below a run's

Direction = Literal["lower", "higher", ""]
About = Literal["reconstruction", "generation", "latent", "attributes"]

# What a field of a protocol concerns: a difference there stands in the way of comparing these numbers.
EVERY, SAMPLES, FEATURES, NOTHING = "every metric", "metrics of samples", "metrics of features", "nothing, is recorded"
# A field of a protocol that stands for something else: a setting of the model, or a hash.
SETTING, HASH = "setting", "hash"

T = TypeVar("T")


OPTIONAL = {"optional": True}  # a field that is left out of the JSON where it is None
FURTHER = {"further": True}  # a field that holds what is not known here


def _of(concerns: str, *, alike: Literal["all", "runs", ""] = "") -> Mapping[str, Any]:
    """What is known of a protocol's field.

    Args:
        concerns: what a difference concerns.
        alike: what has to agree in it to stand in one table: all runs and floors, the runs alone, or nothing.
    """
    return {"concerns": concerns, "alike": alike}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One number of metrics.json.

    Attributes:
        value: the number itself, finite.
        count: of images or samples that it was computed from.
        label: the name people read. scale: the unit or value range beside it; "" where there is none.
        better: which direction is better; "" where neither is.
        about: what it judges.
        low, high: its interval.
        subset_sd: the standard deviation between the subsets of a kernel distance.
        protocol: how it was computed, beyond what the file's own protocol says.
    """

    value: float
    count: int | None = None
    label: str = ""
    scale: str = ""
    better: Direction = ""
    about: About | None = field(default=None, metadata=OPTIONAL)
    low: float | None = field(default=None, metadata=OPTIONAL)
    high: float | None = field(default=None, metadata=OPTIONAL)
    subset_sd: float | None = field(default=None, metadata=OPTIONAL)
    protocol: Mapping[str, Any] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Check:
    """Our number beside its definition's.

    Attributes:
        against: package, version and function.
        on: what both were computed from.
        difference: the largest, absolute. tolerance: the most that is taken for rounding.
    """

    against: str
    on: str
    difference: float
    tolerance: float


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which run was measured. `entry`: the model's in the config, whose sweep it may be of; a floor has none."""

    model: str
    seed: int
    experiment: str = ""
    family: str | None = None
    entry: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True, kw_only=True)
class DataProtocol:
    """What was measured and how, as far as it is the same for runs and floors."""

    dataset: str | None = field(default=None, metadata=_of(EVERY, alike="all"))
    source: str | None = field(default=None, metadata=_of(EVERY, alike="all"))
    split: str | None = field(default=None, metadata=_of(EVERY, alike="all"))
    images: int | None = field(default=None, metadata=_of(EVERY, alike="all"))
    crop: int | None = field(default=None, metadata=_of(EVERY, alike="all"))
    size: int | None = field(default=None, metadata=_of(EVERY, alike="all"))
    filter: str | None = field(default=None, metadata=_of(EVERY, alike="all"))
    features: Mapping[str, Any] | None = field(default=None, metadata=_of(FEATURES, alike="runs"))
    confidence: float | None = field(default=None, metadata=_of(NOTHING))
    resamples: int | None = field(default=None, metadata=_of(NOTHING))
    versions: Mapping[str, str] | None = field(default=None, metadata=_of(NOTHING))
    code: str | None = field(default=None, metadata=_of(HASH))
    key: str | None = field(default=None, metadata=_of(HASH))
    further: Mapping[str, Any] = field(default_factory=dict, metadata=FURTHER)


@dataclass(frozen=True, kw_only=True)
class Protocol(DataProtocol):
    """How the metrics of a run came about."""

    data: str | None = field(default=None, metadata=_of(EVERY, alike="runs"))
    sampler: str | None = field(default=None, metadata=_of(SAMPLES, alike="runs"))
    sample_count: int | None = field(default=None, metadata=_of(SAMPLES, alike="runs"))
    sample_seed: int | None = field(default=None, metadata=_of(SAMPLES))
    sampler_fit: Mapping[str, Any] | None = field(default=None, metadata=_of(SAMPLES))
    sample_labels: str | None = field(default=None, metadata=_of(SAMPLES))
    reference_count: int | None = field(default=None, metadata=_of(FEATURES, alike="runs"))
    device: str | None = field(default=None, metadata=_of(NOTHING))
    training: Mapping[str, Any] | None = field(default=None, metadata=_of(SETTING))
    network_settings: Mapping[str, Any] | None = field(default=None, metadata=_of(SETTING))
    train_images: int | None = field(default=None, metadata=_of(SETTING))
    training_code: str | None = field(default=None, metadata=_of(HASH))
    weights_key: str | None = field(default=None, metadata=_of(HASH))
    weights_sha256: str | None = field(default=None, metadata=_of(HASH))
    samples_sha256: str | None = field(default=None, metadata=_of(HASH))
    reconstructions_sha256: str | None = field(default=None, metadata=_of(HASH))
    latents_sha256: str | None = field(default=None, metadata=_of(HASH))


@dataclass(frozen=True, kw_only=True)
class FloorProtocol(DataProtocol):
    """How the metrics of a floor came about. `fitted_on`: how many training images made it."""

    fitted_on: int | None = field(default=None, metadata=_of(NOTHING))


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What was measured of a run or of a floor. `checks`: the numbers held against their definitions."""

    run: Identity
    metrics: Mapping[str, Entry]
    protocol: DataProtocol
    checks: Mapping[str, Check] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.run.model

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self.run.seed

    def __str__(self) -> str:
        return f"{self.model} seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class RunMetrics(Metrics):
    """metrics.json.

    Attributes:
        left_out: why there is no entry, by key.
        warnings: what makes a number say less than it seems to, in words.
    """

    protocol: Protocol
    left_out: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class FloorMetrics(Metrics):
    """The metrics of a floor, in the layout of a run's."""

    protocol: FloorProtocol


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """run.json: what a training was, and what it cost. Memory in 1e6 bytes.

    Attributes:
        parameter_count: of the model. trained_parameter_count: of all that was trained, a discriminator too.
        warnings: what the training ended with that makes its model say less than it seems to, in words.
    """

    experiment: str | None = None
    model: str | None = None
    family: str | None = None
    seed: int | None = None
    parameters: Mapping[str, Mapping[str, Any]] | None = None
    parameter_count: int | None = None
    trained_parameter_count: int | None = None
    key: str | None = None
    code: str | None = None
    data: str | None = None
    git_commit: str | None = None
    untracked: Mapping[str, str] | None = None
    versions: Mapping[str, str] | None = None
    device: str | None = None
    where: Mapping[str, str] | None = None
    threads: int | None = None
    train_images: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    sessions: int | None = None
    images_per_second: float | None = None
    peak_memory_mb: float | None = None
    weights_sha256: str | None = None
    warnings: Sequence[str] = ()
    further: Mapping[str, Any] = field(default_factory=dict, metadata=FURTHER)


# --- to and from JSON -------------------------------------------------------------------------------------------------


def as_json(value: Any) -> Any:
    """A record, or anything that holds some, as JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        written: dict[str, Any] = {}
        for part in dataclasses.fields(value):
            content = getattr(value, part.name)
            if part.metadata.get("further"):
                written |= content
            elif content is not None or not part.metadata.get("optional"):
                written[part.name] = as_json(content)
        return written
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    return [as_json(part) for part in value] if isinstance(value, list | tuple) else value


def read_metrics(path: str | Path) -> RunMetrics:
    """Read a run's metrics.json.

    Raises:
        UserError: it is damaged, or is no such record.
    """
    content = _object(path, ("run", "metrics", "protocol"))
    return RunMetrics(
        **_measured(content, path),
        protocol=_filled(Protocol, content["protocol"], f"{path}: protocol"),
        left_out=content.get("left_out", {}),
        warnings=tuple(content.get("warnings", ())),
    )


def read_floor(path: str | Path) -> FloorMetrics:
    """Read the metrics of a floor; see :func:`read_metrics`."""
    content = _object(path, ("run", "metrics", "protocol"))
    protocol = _filled(FloorProtocol, content["protocol"], f"{path}: protocol")
    return FloorMetrics(**_measured(content, path), protocol=protocol)


def read_run(path: str | Path) -> RunRecord:
    """Read a run.json.

    Raises:
        UserError: it is damaged, or is no such record.
    """
    return _filled(RunRecord, _object(path), str(path))


def write_record(path: str | Path, record: Metrics | RunRecord) -> None:
    """Write a run.json or the metrics of a run or floor, whole or not at all."""
    write_json(path, as_json(record))


def _object(path: str | Path, sections: Sequence[str] = ()) -> Mapping[str, Any]:
    """The JSON object in a file, which holds an object under each of `sections`."""
    if Path(path).exists() and not Path(path).is_file():
        raise UserError(f"{path}: is no regular file. Delete it, and it is made anew.")
    content = read_json(path)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: is no record of a run. Delete it, and it is made anew.")
    _refuse_lacking(str(path), [name for name in sections if not isinstance(content.get(name), Mapping)])
    return content


def _measured(content: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """What runs and floors have in common."""
    return {
        "run": _filled(Identity, content["run"], f"{path}: run"),
        "metrics": {key: _filled(Entry, entry, f"{path}: metrics.{key}") for key, entry in content["metrics"].items()},
        "checks": {
            key: _filled(Check, check, f"{path}: checks.{key}") for key, check in content.get("checks", {}).items()
        },
    }


def _filled(kind: type[T], values: Any, origin: str) -> T:
    """A record of this kind from JSON; what it does not know is kept under `further`, where it has that."""
    values = values if isinstance(values, Mapping) else {}
    parts = dataclasses.fields(kind)  # type: ignore[arg-type]
    required = [part.name for part in parts if part.default is part.default_factory is dataclasses.MISSING]
    _refuse_lacking(origin, [name for name in required if name not in values])
    names = {part.name for part in parts if not part.metadata.get("further")}
    given = {name: value for name, value in values.items() if name in names}
    if len(names) < len(parts):
        given["further"] = {name: value for name, value in values.items() if name not in names}
    return kind(**given)


def _refuse_lacking(origin: str, names: Sequence[str]) -> None:
    if names:
        raise UserError(f"{origin}: no {' and no '.join(names)} in it; this is no record of vaematrix. Delete it.")


# --- what is asked of records -----------------------------------------------------------------------------------------


def has_to_agree(floors: bool) -> list[str]:
    """The fields of a protocol that have to agree between runs, or where `floors`, between a run and a floor."""
    alike = ("all",) if floors else ("all", "runs")
    return [part.name for part in dataclasses.fields(Protocol) if part.metadata.get("alike") in alike]


def concerns() -> dict[str, str]:
    """What each field of a protocol concerns."""
    fields = dataclasses.fields(Protocol)
    return {part.name: part.metadata["concerns"] for part in fields if "concerns" in part.metadata}


def run_of(path: str | Path) -> tuple[str, int]:
    """Model and seed of the run whose folder holds the file `path`."""
    folder = Path(path).parent
    return folder.parent.name, int(folder.name.removeprefix("seed-"))


def key_of(path: str | Path) -> str:
    """The key by which a run.json or a metrics.json was made.

    Raises:
        UserError: the file is no such record.
    """
    record = _object(path)
    made_by = record.get("protocol", record)
    if not isinstance(made_by, Mapping) or not isinstance(made_by.get("key"), str):
        raise UserError(f"{path}: is no record of a run, since it has no key. Delete it, and it is made anew.")
    return made_by["key"]


def speed_on_a_cluster(path: str | Path, widths: Sequence[int]) -> float | None:
    """Images/s of the training with this run.json; None where it ran elsewhere, in another network, or is no record."""
    try:
        run = _object(path)
        same = "slurm_job" in run["where"] and run["parameters"]["network"]["widths"] == list(widths)
        return float(run["images_per_second"]) if same else None
    except (UserError, OSError, KeyError, TypeError, ValueError):
        return None


def missing_runs(config: Mapping[str, Any]) -> dict[tuple[str, int], str]:
    """Why the runs (model, seed) that the configuration leaves out are missing."""
    return {(run["model"], run["seed"]): run["reason"] for run in config["missing"] if "sampler" not in run}


def missing_samples(config: Mapping[str, Any]) -> dict[tuple[str, int, str], str]:
    """Why what a sampler makes of a run (model, seed, sampler) is missing, where only that is."""
    return {(run["model"], run["seed"], run["sampler"]): run["reason"] for run in config["missing"] if "sampler" in run}
