"""The pictures of one run."""

from pathlib import Path
from typing import Any

import numpy as np

from vaematrix.common.console import log, logged
from vaematrix.common.images import read_images, read_metadata, read_table
from vaematrix.common.schema import nearest
from vaematrix.data.shards import Faces, read_faces
from vaematrix.reporting import figures

CONDITIONAL_FACES = 2


def draw_traversal(path: Path, file: str) -> None:
    """The latent dimensions that carry most information, in that order."""
    images, columns = read_images(file)
    kl = read_metadata(file)["vaematrix.kl"]
    images = images.reshape(len(kl), -1, *images.shape[1:])
    steps = images.shape[1]
    dimensions = columns["dimension"].to_pylist()[::steps]
    labels = [f"z{dimension}  ({nats:.1f} nats)" for dimension, nats in zip(dimensions, kl, strict=True)]
    figures.traversal_grid(path, images, labels, columns["value"].to_pylist()[:steps])


def draw_attributes(path: Path, file: str, faces: Faces, wanted: list[str]) -> None:
    """A few faces without and with each attribute: as they are on the one side, switched on the other."""
    images, columns = read_images(file)
    names = list(dict.fromkeys(columns["switched"].to_pylist()))
    for unknown in set(wanted) - set(names):
        log.warning("figures.attributes: these faces have no %r%s", unknown, nearest(unknown, names[1:]))
    images = images.reshape(-1, len(names), *images.shape[1:])[:CONDITIONAL_FACES]
    shown = [names.index(name) for name in wanted if name in names]
    unchanged, switched = images[:, [0] * len(shown)], images[:, shown]
    has = faces.attributes[: len(images), [faces.attribute_names.index(names[index]) for index in shown]]
    has = has[:, :, None, None, None]
    figures.conditional_grid(
        path,
        np.stack([faces.images[: len(images)], images[:, 0]], axis=1),
        np.where(has, switched, unchanged),
        np.where(has, unchanged, switched),
        [names[index].replace("_", " ") for index in shown],
    )


def draw_interpolations(path: Path, file: str, faces: Faces) -> None:
    images, columns = read_images(file)
    places = {image_id: place for place, image_id in enumerate(faces.image_ids)}
    pairs = list(dict.fromkeys(zip(columns["from"].to_pylist(), columns["to"].to_pylist(), strict=True)))
    first, last = (faces.images[[places[pair[end]] for pair in pairs]] for end in (0, 1))
    figures.interpolation_grid(path, first, images.reshape(len(pairs), -1, *images.shape[1:]), last)


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    output = {path.stem: path for path in map(Path, snakemake.output) if path.suffix == ".png"}
    with logged(snakemake.log[0]):
        faces = read_faces(files.shards, p.split)
        ssim = read_table(files.per_image)["ssim"].to_numpy()
        figures.reconstruction_grid(
            output["reconstructions"], faces.images, read_images(files.reconstructions)[0], ssim
        )
        figures.sample_grid(output["samples"], read_images(files.samples)[0])
        draw_attributes(output["attributes"], files.attributes, faces, p.attributes)
        draw_traversal(output["traversal"], files.traversal)
        draw_interpolations(output["interpolations"], files.interpolations, faces)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
