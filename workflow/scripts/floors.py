"""The metrics of the mean face and of PCA, in the layout of a run's metrics."""

from typing import Any

import numpy as np

from vaematrix.common import devices, provenance
from vaematrix.common.console import logged
from vaematrix.common.images import read_metadata, read_table
from vaematrix.common.records import FloorMetrics, FloorProtocol, Identity, write_record
from vaematrix.common.vectors import vectors_of
from vaematrix.data.shards import read_faces
from vaematrix.metrics import entries, frechet
from vaematrix.metrics.definitions import check_ssim
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.features import load_network
from vaematrix.metrics.floors import mean_face, pca_reconstructions
from vaematrix.metrics.reconstruction import evaluate_pairs


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        train, faces = (read_faces(files.shards, split) for split in ("train", p.split))
        prepared = read_metadata(files.shards[0])
        network = load_network(p.network, files.inception or None, device)
        reference = frechet.reference(files.statistics, network.identity, len(faces.images))
        real = vectors_of(read_table(files.features, columns=["features"]), "features")
        projected, fitted_on = pca_reconstructions(train.images, faces.images, p.components, seed=0)
        means = np.broadcast_to(mean_face(train.images), faces.images.shape)
        floors = {
            "mean_face": ("mean face", means, len(train.images)),
            "pca": (f"PCA ({p.components} components)", projected, fitted_on),
        }
        interval = {"resamples": p.resamples, "confidence": p.confidence}
        for output, (name, images, fitted) in floors.items():
            measured = Measured()
            measured.entries, per_image = evaluate_pairs(faces.images, images, **interval, seed=0)
            measured.checks["ssim"] = check_ssim(faces.images, images, per_image["ssim"])
            rebuilt = network.features_of(images, name)
            entries.measure_frechet(measured, network, rebuilt, reference, "reconstruction")
            entries.measure_feature_distance(measured, network, real, rebuilt, **interval)
            protocol = FloorProtocol(
                dataset=p.dataset,
                **{key: prepared[f"vaematrix.{key}"] for key in ("source", "crop", "size", "filter")},
                split=p.split,
                images=len(faces.images),
                fitted_on=fitted,
                features=network.identity,
                **interval,
                code=p.code,
                key=p.key,
                versions=provenance.versions(),
            )
            floor = FloorMetrics(
                run=Identity(experiment=p.experiment, model=name, family="floor", seed=0),
                metrics=measured.entries,
                checks=measured.checks,
                protocol=protocol,
            )
            write_record(snakemake.output[output], floor)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
