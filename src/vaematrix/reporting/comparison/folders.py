"""Folders of results, read for comparison."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vaematrix.analysis.differences import read_per_image
from vaematrix.common.errors import UserError
from vaematrix.common.records import RUN_GLOB

RunKey = tuple[str, int]  # model and seed


@dataclass(frozen=True)
class Folder:
    """The results of one experiment, by model and seed.

    Attributes:
        runs: metrics.json of each run.
        records: run.json of each run that has one.
        per_image: the values of each image, from `differences.read_per_image`, of each run that has them.
    """

    path: Path
    runs: Mapping[RunKey, Mapping[str, Any]]
    records: Mapping[RunKey, Mapping[str, Any]]
    per_image: Mapping[RunKey, pd.DataFrame]

    @property
    def models(self) -> list[str]:
        """The models in alphabetical order."""
        return sorted({model for model, _ in self.runs})

    def runs_of(self, model: str) -> dict[int, Mapping[str, Any]]:
        """A model's runs by seed."""
        return {seed: self.runs[name, seed] for name, seed in sorted(self.runs) if name == model}


def read_folder(path: str | Path) -> Folder:
    """Read the runs under `<path>/<model>/seed-<n>/`.

    Raises:
        UserError: the folder is absent or holds no metrics.json, or a file is no JSON or lacks what it should hold.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path}: no such folder. Give the results of an experiment, such as results/demo.")
    runs, records, per_image = {}, {}, {}
    for metrics_file in sorted(path.glob(f"{RUN_GLOB}/metrics.json")):
        run = _read_object(metrics_file)
        lacking = [name for name in ("run", "metrics", "protocol") if not isinstance(run.get(name), dict)]
        if lacking:
            raise UserError(
                f"{metrics_file}: no {' and no '.join(lacking)} in it; this is no metrics.json of vaematrix."
            )
        key = run["run"].get("model", metrics_file.parts[-3]), run["run"].get("seed", metrics_file.parts[-2])
        runs[key] = run
        if (record_file := metrics_file.with_name("run.json")).exists():
            records[key] = _read_object(record_file)
        if (images_file := metrics_file.with_name("per_image.parquet")).exists():
            per_image[key] = read_per_image(images_file)
    if not runs:
        raise UserError(
            f"{path}: no <model>/seed-<n>/metrics.json in it. Give the folder of an experiment, such as results/demo, "
            "whose runs are finished."
        )
    return Folder(path, runs, records, per_image)


def _read_object(file: Path) -> dict[str, Any]:
    """The JSON object that a file holds."""
    if not file.is_file():
        raise UserError(f"{file}: is no regular file. Delete it and run snakemake again.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: broken JSON ({error}). Delete it and run snakemake again.") from None
    if not isinstance(content, dict):
        raise UserError(f"{file}: holds no JSON object. Delete it and run snakemake again.")
    return content
