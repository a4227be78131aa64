"""The pictures of one run."""

from typing import Any

from vaematrix import figures
from vaematrix.configuration import nearest
from vaematrix.console import log, logged
from vaematrix.faces.shards import read_faces
from vaematrix.images import read_images, read_metadata


def main(snakemake: Any) -> None:
    files, output = snakemake.input, dict(zip(snakemake.params.pictures, snakemake.output, strict=True))
    with logged(snakemake.log[0]):
        faces = read_faces(files.shards, snakemake.params.split)
        figures.reconstruction_grid(output["reconstructions"], faces.images, read_images(files.reconstructions)[0])
        figures.sample_grid(output["samples"], read_images(files.samples)[0])

        images, columns = read_images(files.traversal)
        kl = read_metadata(files.traversal)["vaematrix.kl"]
        images = images.reshape(len(kl), -1, *images.shape[1:])
        steps = images.shape[1]
        dimensions = columns["dimension"].to_pylist()[::steps]
        labels = [f"z{dimension}  ({nats:.1f} nats)" for dimension, nats in zip(dimensions, kl, strict=True)]
        figures.traversal_grid(output["traversal"], images, labels, columns["value"].to_pylist()[:steps])

        images, columns = read_images(files.attributes)
        names = list(dict.fromkeys(columns["switched"].to_pylist()))
        for unknown in set(snakemake.params.attributes) - set(names):
            log.warning("figures.attributes: these faces have no %r%s", unknown, nearest(unknown, names[1:]))
        shown = [names.index(name) for name in ("unchanged", *snakemake.params.attributes) if name in names]
        rows = images.reshape(-1, len(names), *images.shape[1:])[:, shown]
        figures.conditional_grid(output["attributes"], rows, [names[index].replace("_", " ") for index in shown])


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
