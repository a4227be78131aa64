"""Training curves of all runs, and all models on the same faces."""

import itertools
import json
from pathlib import Path
from typing import Any

from vaematrix import figures
from vaematrix.console import logged
from vaematrix.faces.shards import read_faces
from vaematrix.images import read_images

SHOWN = 10


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]):
        histories: dict[str, list[list[dict[str, float]]]] = {model: [] for model in p.models}
        for (model, _seed), path in zip(itertools.product(p.models, p.seeds), files.histories, strict=True):
            histories[model].append([json.loads(line) for line in Path(path).read_text().splitlines()])
        figures.training_curves(snakemake.output.curves, histories)

        rows = [("originals", read_faces(files.shards, p.split).images[:SHOWN])]
        for kind in ("reconstructions", "samples"):
            rows += [
                (f"{model}: {kind}", read_images(path)[0][:SHOWN])
                for model, path in zip(p.models, files[kind], strict=True)
            ]
        figures.overview(snakemake.output.overview, rows)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
