"""What is known of runs before their results are read: from run.json and metrics.json, or from the config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaematrix.common.errors import UserError
from vaematrix.common.files import read_json

# The folder of a run below its experiment's, as a pattern with Snakemake's wildcards, and for pathlib.
RUN_FOLDER = "{model}/seed-{seed}"
RUN_GLOB = "*/seed-*"


def run_of(path: str | Path) -> tuple[str, int]:
    """Model and seed of the run whose folder holds the file `path`."""
    folder = Path(path).parent
    return folder.parent.name, int(folder.name.removeprefix("seed-"))


def key_of(path: str | Path) -> str:
    """The key by which a run.json or a metrics.json was made.

    Raises:
        UserError: the file is no such record.
    """
    record = _record(path)
    made_by = record.get("protocol", record)
    if not isinstance(made_by, Mapping) or not isinstance(made_by.get("key"), str):
        raise UserError(f"{path}: is no record of a run, since it has no key. Delete it, and it is made anew.")
    return made_by["key"]


def speed_on_a_cluster(path: str | Path, widths: Sequence[int]) -> float | None:
    """Images/s of the training with this run.json; None where it ran elsewhere, in another network, or is no record."""
    try:
        run = _record(path)
        same = "slurm_job" in run["where"] and run["parameters"]["network"]["widths"] == list(widths)
        return float(run["images_per_second"]) if same else None
    except (UserError, OSError, KeyError, TypeError, ValueError):
        return None


def missing_runs(config: Mapping[str, Any]) -> dict[tuple[str, int], str]:
    """Why the runs (model, seed) that the configuration leaves out are missing."""
    return {(run["model"], run["seed"]): run["reason"] for run in config["missing"]}


def _record(path: str | Path) -> Mapping[str, Any]:
    record = read_json(path)
    if not isinstance(record, Mapping):
        raise UserError(f"{path}: is no record of a run. Delete it, and it is made anew.")
    return record
