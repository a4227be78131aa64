"""Who wins under which weights, as a picture."""

from typing import Any

from vaematrix.console import logged
from vaematrix.files import read_json
from vaematrix.tables import collect
from vaematrix.triangle import triangle
from vaematrix.weight_space import landscapes


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]):
        runs = list(map(read_json, snakemake.input.metrics))
        results = collect(runs, p.rubric, p.models, missing=p.missing)
        labels = [results.label(key) for key in results.keys.values()]
        found = landscapes(results.groups, p.rubric, results.keys)
        triangle(snakemake.output.png, found, labels, p.models)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
