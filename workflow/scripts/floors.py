"""The metrics of the mean face and of PCA, in the layout of a run's metrics."""

from dataclasses import asdict
from typing import Any

import numpy as np

from vaematrix import metrics
from vaematrix.common import provenance
from vaematrix.common.console import logged
from vaematrix.common.files import write_json
from vaematrix.common.images import read_metadata
from vaematrix.data.shards import read_faces
from vaematrix.metrics.definitions import check_ssim
from vaematrix.metrics.floors import mean_face, pca_reconstructions


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]):
        train, faces = (read_faces(snakemake.input.shards, split) for split in ("train", p.split))
        prepared = read_metadata(snakemake.input.shards[0])
        projected, fitted_on = pca_reconstructions(train.images, faces.images, p.components, seed=0)
        means = np.broadcast_to(mean_face(train.images), faces.images.shape)
        floors = {
            "mean_face": ("mean face", means, len(train.images)),
            "pca": (f"PCA ({p.components} components)", projected, fitted_on),
        }
        for output, (name, images, fitted) in floors.items():
            entries, per_image = metrics.evaluate_pairs(
                faces.images, images, resamples=p.resamples, confidence=p.confidence, seed=0
            )
            protocol = {
                "dataset": p.dataset,
                **{key: prepared[f"vaematrix.{key}"] for key in ("source", "crop", "size", "filter")},
                "split": p.split,
                "images": len(faces.images),
                "fitted_on": fitted,
                "confidence": p.confidence,
                "resamples": p.resamples,
                "code": p.code,
                "key": p.key,
                "versions": provenance.versions(),
            }
            run = {"experiment": p.experiment, "model": name, "family": "floor", "seed": 0}
            checks = {"ssim": asdict(check_ssim(faces.images, images, per_image["ssim"]))}
            write_json(
                snakemake.output[output], {"run": run, "metrics": entries, "checks": checks, "protocol": protocol}
            )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
