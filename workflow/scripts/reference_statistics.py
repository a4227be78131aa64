"""Mean and covariance of the features of the evaluation split."""

from typing import Any

from vaematrix import devices
from vaematrix.console import logged
from vaematrix.faces.shards import read_faces
from vaematrix.metrics import frechet
from vaematrix.metrics.inception import FeatureNetwork


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        network = FeatureNetwork.of(snakemake.input.inception or None, p.dims, device)
        faces = read_faces(snakemake.input.shards, p.split)
        frechet.save(snakemake.output[0], network.statistics(faces.images, f"the {p.split} split"))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
