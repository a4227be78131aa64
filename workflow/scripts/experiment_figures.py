"""What all runs show together: faces, errors, rate and distortion, latent units, training curves."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vaematrix.common.console import logged
from vaematrix.common.files import read_json
from vaematrix.common.images import read_images, read_table
from vaematrix.common.records import read_metrics, run_of
from vaematrix.data.shards import read_faces
from vaematrix.metrics.latent import ACTIVE
from vaematrix.reporting import figures

SHOWN = 10
PER_IMAGE = {"mse_01": "MSE on [0, 1], each image", "ssim": "SSIM, each image"}

T = TypeVar("T")


def by_model(files: Sequence[str], read: Callable[[Path], T]) -> dict[str, list[T]]:
    """What `read` makes of the files <model>/seed-<n>/<name>, for each model a list over its seeds."""
    groups: dict[str, list[T]] = {}
    for path in map(Path, files):
        groups.setdefault(run_of(path)[0], []).append(read(path))
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
            strips = {run_of(path)[0]: read_images(path)[0][:SHOWN] for path in paths}
            figures.overview(output[name], {**above, **strips}, p.models)

        histories = by_model(files.histories, lambda path: list(map(json.loads, path.read_text().splitlines())))
        figures.training_curves(output["training"], histories, p.models)
        # Both from the same images and codes: the validation split after the last epoch.
        ends = {
            model: [(epochs[-1]["valid_kl"], epochs[-1]["valid_mse"]) for epochs in seeds]
            for model, seeds in histories.items()
        }
        figures.rate_distortion(output["rate_distortion"], ends, p.models)
        tables = by_model(files.per_image, read_table)
        panels = {
            title: {model: [table[key].to_numpy() for table in seeds] for model, seeds in tables.items()}
            for key, title in PER_IMAGE.items()
        }
        figures.distributions(output["distributions"], panels, p.models)
        draw_details(output, files, p.models)


def draw_details(output: dict[str, Path], files: Any, models: Sequence[str]) -> None:
    """The figures of what is behind a run's numbers: its latent units, and its distance at several sample counts."""
    metrics, details = map(read_metrics, files.metrics), map(read_json, files.details)
    units: dict[str, list[Any]] = {}
    counts: dict[str, list[Any]] = {}
    label = "Fréchet distance"
    for run, behind in zip(metrics, details, strict=True):
        units.setdefault(run.model, []).append(behind["units"])
        if "frechet_by_count" in behind:
            (key,) = [key for key in run.metrics if key.endswith("_infinity")]
            label = run.metrics[key.removesuffix("_infinity")].label
            counts.setdefault(run.model, []).append((run.metrics[key], behind["frechet_by_count"]))
    figures.latent_units(output["latent_units"], units, models, ACTIVE)
    figures.distance_by_count(output["distance_by_count"], counts, models, label)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
