"""Values → scores → weighted matrices, and what may be claimed of them, as CSV, LaTeX, HTML and text."""

import json
from pathlib import Path
from typing import Any

from vaematrix.analysis.measurements import read_per_image
from vaematrix.analysis.remedies import Remedy
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.common.records import missing_runs, read_floor, read_metrics
from vaematrix.reporting.tables import write_tables


def main(snakemake: Any) -> None:
    p = snakemake.params
    rubric = json.loads(p.rubric)
    with logged(snakemake.log[0]):
        runs, floors = list(map(read_metrics, snakemake.input.metrics)), list(map(read_floor, snakemake.input.floors))
        for path, run in zip(snakemake.input.metrics, runs, strict=True):
            if run.protocol.key != p.run_keys[run.model]:
                raise UserError(f"{path} was made by other settings or code than today's. Delete it and run again.")
        names = [(run.model, run.seed) for run in runs]
        per_image = dict(zip(names, map(read_per_image, snakemake.input.per_image), strict=True))
        folder, missing = Path(snakemake.output.summary).parent, missing_runs(snakemake.config)
        remedies = [Remedy(*pair) for pair in p.remedies]
        write_tables(folder, runs, rubric, p.models, floors, missing, per_image, remedies)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
