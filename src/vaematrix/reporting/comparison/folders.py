"""Folders of results, read for comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vaematrix.analysis.measurements import read_per_image
from vaematrix.common.errors import UserError
from vaematrix.common.records import RUN_GLOB, RunMetrics, RunRecord, read_metrics, read_run

RunKey = tuple[str, int]  # model and seed


@dataclass(frozen=True)
class Folder:
    """The results of one experiment, by model and seed.

    Attributes:
        runs: metrics.json of each run.
        records: run.json of each run that has one.
        per_image: the values of each image, from `measurements.read_per_image`, of each run that has them.
    """

    path: Path
    runs: Mapping[RunKey, RunMetrics]
    records: Mapping[RunKey, RunRecord]
    per_image: Mapping[RunKey, pd.DataFrame]

    @property
    def models(self) -> list[str]:
        """The models in alphabetical order."""
        return sorted({model for model, _ in self.runs})

    def runs_of(self, model: str) -> dict[int, RunMetrics]:
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
        run = read_metrics(metrics_file)
        key = run.model, run.seed
        runs[key] = run
        if (record_file := metrics_file.with_name("run.json")).exists():
            records[key] = read_run(record_file)
        if (images_file := metrics_file.with_name("per_image.parquet")).exists():
            per_image[key] = read_per_image(images_file)
    if not runs:
        raise UserError(
            f"{path}: no <model>/seed-<n>/metrics.json in it. Give the folder of an experiment, such as results/demo, "
            "whose runs are finished."
        )
    return Folder(path, runs, records, per_image)
