"""The report's LaTeX source, around the tables and pictures."""

import json
from pathlib import Path
from typing import Any

from vaematrix.common import records
from vaematrix.common.console import logged
from vaematrix.common.files import read_json
from vaematrix.common.records import missing_runs, read_floor, read_metrics, read_run
from vaematrix.data.summary import sizes_text
from vaematrix.reporting.report.article import write_report
from vaematrix.reporting.report.pictures import Figure
from vaematrix.reporting.tables import collect


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    rubric = json.loads(p.rubric)
    with logged(snakemake.log[0]):
        runs, floors = list(map(read_metrics, files.metrics)), list(map(read_floor, files.floors))
        summary = read_json(files.summary)
        triangle = [path for path in files.triangle if path.endswith(".pdf")]
        pictures = [Figure(path, path.stem, *records.run_of(path)) for path in map(Path, files.pictures)]
        write_report(
            Path(snakemake.output[0]).parent,
            Path(files.tables[0]).parent,
            collect(runs, rubric, p.models, floors, missing_runs(snakemake.config)),
            records=list(map(read_run, files.runs)),
            settings={**p.settings, "images before the crop": sizes_text(summary["image_sizes"])},
            figures=[*(Figure(path, path.stem) for path in map(Path, [*files.figures, *triangle])), *pictures],
            skipped=summary["skipped"],
            remedies=bool(p.remedies),
        )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
