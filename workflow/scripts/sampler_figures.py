"""Samples of the prior beside those of the sampler that finds held-out codes likeliest, of each model's first run."""

from pathlib import Path
from typing import Any

from vaematrix.analysis.samplers import likeliest
from vaematrix.common.console import logged
from vaematrix.common.images import read_images
from vaematrix.common.records import read_metrics, run_of
from vaematrix.reporting import figures

SHOWN = 10


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]):
        best = likeliest(list(map(read_metrics, files.sampled)))
        prior = {run_of(path)[0]: read_images(path)[0][:SHOWN] for path in files.prior}
        folders = [Path(path).parent for path in files.samples]
        # results/<experiment>/<model>/seed-<n>/samplers/<name>
        chosen = {
            (model, folder.name): folder
            for folder in folders
            if best.get(model := folder.parents[2].name) == folder.name
        }
        drawn = {
            model: (sampler, read_images(folder / "samples.parquet")[0][:SHOWN])
            for (model, sampler), folder in chosen.items()
        }
        figures.sampler_grid(Path(snakemake.output[0]), prior, drawn, p.models)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
