"""Values → scores → weighted matrices, as CSV, LaTeX, HTML and text."""

from pathlib import Path
from typing import Any

from vaematrix.console import logged
from vaematrix.errors import UserError
from vaematrix.files import read_json
from vaematrix.tables import write_tables


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]):
        runs, floors = (list(map(read_json, files)) for files in (snakemake.input.metrics, snakemake.input.floors))
        for path, run in zip(snakemake.input.metrics, runs, strict=True):
            if run["protocol"]["key"] != p.run_keys[run["run"]["model"]]:
                raise UserError(f"{path} was made by other settings or code than today's. Delete it and run again.")
        write_tables(Path(snakemake.output.summary).parent, runs, p.rubric, p.models, floors, p.missing)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
