"""Every model under every sampler, as CSV, LaTeX and HTML."""

import json
from pathlib import Path
from typing import Any

from vaematrix.common.console import logged
from vaematrix.common.records import missing_runs, read_metrics
from vaematrix.reporting.tables import collect
from vaematrix.reporting.tables.samplers import write_sampler_tables


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]):
        runs, missing = list(map(read_metrics, files.metrics)), missing_runs(snakemake.config)
        results = collect(runs, json.loads(p.rubric), p.models, missing=missing)
        sampled = list(map(read_metrics, files.sampled))
        write_sampler_tables(Path(snakemake.output.html).parent, results, sampled, p.samplers)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
