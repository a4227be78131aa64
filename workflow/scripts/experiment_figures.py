"""Training curves of all runs, and all models on the same faces."""

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
        histories: dict[str, list[list[dict[str, float]]]] = {}
        for path in map(Path, files.histories):
            epochs = [json.loads(line) for line in path.read_text().splitlines()]
            histories.setdefault(path.parts[-3], []).append(epochs)
        figures.training_curves(snakemake.output.curves, histories, names=p.models)

        rows = [("originals", read_faces(files.shards, p.split).images[:SHOWN])]
        for kind in ("reconstructions", "samples"):
            rows += [(f"{Path(path).parts[-3]}: {kind}", read_images(path)[0][:SHOWN]) for path in files[kind]]
        figures.overview(snakemake.output.overview, rows)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
