"""What all runs show together: faces, errors, rate and distortion, training curves."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from vaematrix import figures
from vaematrix.console import logged
from vaematrix.faces.shards import read_faces
from vaematrix.images import read_images

SHOWN = 10
PER_IMAGE = {"mse_01": "MSE on [0, 1], each image", "ssim": "SSIM, each image"}

T = TypeVar("T")


def by_model(files: Sequence[str], read: Callable[[Path], T]) -> dict[str, list[T]]:
    """What `read` makes of the files <model>/seed-<n>/<name>, for each model a list over its seeds."""
    groups: dict[str, list[T]] = {}
    for path in map(Path, files):
        groups.setdefault(path.parts[-3], []).append(read(path))
    return groups


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    output = {path.stem: path for path in map(Path, snakemake.output) if path.suffix == ".png"}
    with logged(snakemake.log[0]):
        originals = {"originals": read_faces(files.shards, p.split).images[:SHOWN]}
        for name, paths, above in (
            ("overview", files.reconstructions, originals),
            ("prior_samples", files.prior_samples, {}),
        ):
            strips = {Path(path).parts[-3]: read_images(path)[0][:SHOWN] for path in paths}
            figures.overview(output[name], {**above, **strips}, p.models)

        histories = by_model(files.histories, lambda path: list(map(json.loads, path.read_text().splitlines())))
        figures.training_curves(output["training"], histories, p.models)
        # Both from the same images and codes: the validation split after the last epoch.
        ends = {
            model: [(epochs[-1]["valid_kl"], epochs[-1]["valid_mse"]) for epochs in seeds]
            for model, seeds in histories.items()
        }
        figures.rate_distortion(output["rate_distortion"], ends, p.models)
        tables = by_model(files.per_image, pq.read_table)
        panels = {
            title: {model: [table[key].to_numpy() for table in seeds] for model, seeds in tables.items()}
            for key, title in PER_IMAGE.items()
        }
        figures.distributions(output["distributions"], panels, p.models)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
