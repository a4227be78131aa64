"""Who has the highest total under which weights, as a picture."""

import json
from typing import Any

from vaematrix.analysis.weight_space import landscapes
from vaematrix.common.console import logged
from vaematrix.common.records import missing_runs, read_metrics
from vaematrix.reporting.figures.triangle import triangle
from vaematrix.reporting.tables import collect


def main(snakemake: Any) -> None:
    p = snakemake.params
    rubric = json.loads(p.rubric)
    with logged(snakemake.log[0]):
        runs = list(map(read_metrics, snakemake.input.metrics))
        results = collect(runs, rubric, p.models, missing=missing_runs(snakemake.config))
        labels = [results.label(key) for key in results.keys.values()]
        found = landscapes(results.groups, rubric, results.keys)
        triangle(snakemake.output.png, found, labels, p.models)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
