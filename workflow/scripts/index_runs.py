"""Every run with its cost, its records and its logs, on one HTML page."""

import itertools
from pathlib import Path
from typing import Any

from vaematrix.common.console import logged
from vaematrix.common.records import RUN_FOLDER, missing_runs
from vaematrix.reporting.run_index import IndexedRun, write_index

RECORDS = ("run.json", "metrics.json")
JOBS = ("train", "generate", "evaluate")  # done by now, whatever order Snakemake chose for the rest


def main(snakemake: Any) -> None:
    p, results = snakemake.params, Path(snakemake.output[0]).parents[1]
    with logged(snakemake.log[0]):
        runs, missing = [], missing_runs(snakemake.config)
        for model, seed in itertools.product(p.models, p.seeds):
            name = RUN_FOLDER.format(model=model, seed=seed)
            files = [results / name / record for record in RECORDS]
            files += [Path(p.logs, job, f"{name}.log") for job in JOBS]
            runs.append(IndexedRun(model, seed, files, missing.get((model, seed), "")))
        write_index(snakemake.output[0], f"{p.experiment}: runs", runs)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
