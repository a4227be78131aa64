"""The features of the evaluation split, and their mean and covariance."""

from typing import Any

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.vectors import write_vectors
from vaematrix.data.shards import read_faces
from vaematrix.metrics import frechet
from vaematrix.metrics.features import load_network


def main(snakemake: Any) -> None:
    p, output = snakemake.params, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        network = load_network(p.network, snakemake.input.inception or None, device)
        faces = read_faces(snakemake.input.shards, p.split)
        features = network.features_of(faces.images, f"the {p.split} split")
        frechet.save(output.statistics, frechet.statistics(features, network.identity))
        about = {"vaematrix.identity": network.identity, "vaematrix.split": p.split, "vaematrix.key": p.key}
        write_vectors(output.features, {"image_id": faces.image_ids}, {"features": features}, about)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
