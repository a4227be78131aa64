"""Reconstructions, samples, latents, a traversal and attribute switches of one trained model, as parquet."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vaematrix import devices, generation, training
from vaematrix.console import logged
from vaematrix.faces.shards import Faces, read_faces
from vaematrix.files import sha256
from vaematrix.images import write_images
from vaematrix.models import weights
from vaematrix.samplers import SAMPLERS
from vaematrix.subsets import MOST_FACES, at_most
from vaematrix.training import Split
from vaematrix.vectors import write_vectors

TRAVERSED, STEPS, SWITCHED_FACES = 8, 9, 6


def main(snakemake: Any) -> None:
    p, output = snakemake.params, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        # Snakemake knows by now that the training is complete, so nothing can need its checkpoint any more.
        training.clear(Path(snakemake.input.weights).parent)
        model = weights.load(snakemake.input.weights, device)
        origin = {"vaematrix.key": p.key, "vaematrix.weights_sha256": sha256(snakemake.input.weights)}
        train, faces = (read_faces(snakemake.input.shards, split) for split in ("train", p.split))
        names = list(faces.attribute_names)

        means, deviations = generation.encode(model, Split.on(device, faces.images, faces.attributes))
        write_images(
            output.reconstructions,
            generation.decode(model, means, faces.attributes),
            {"image_id": faces.image_ids},
            {"vaematrix.split": p.split, **origin},
        )

        codes, code_deviations = generation.encode(model, Split.on(device, train.images, train.attributes))
        write_latents(
            output.latents,
            [("train", train, codes, code_deviations), (p.split, faces, means, deviations)],
            origin,
        )
        sampler = SAMPLERS[p.sampling["sampler"]](model.network.latent)
        sampler.fit(codes)
        drawn = generation.draw_attributes(faces.attributes, p.sampling["count"], p.sampling["seed"])
        write_images(
            output.samples,
            generation.decode(model, sampler.draw(p.sampling["count"], p.sampling["seed"]), drawn),
            dict(zip(names, map(pa.array, drawn.T), strict=True)) if model.conditional else {},
            {"vaematrix.sampling": {**p.sampling, **sampler.about}, **origin},
        )

        images, dimensions, kl, values = generation.traverse(
            model, means, deviations, faces.attributes[0], TRAVERSED, STEPS
        )
        write_images(
            output.traversal,
            images.reshape(-1, *images.shape[2:]),
            {"dimension": np.repeat(dimensions, len(values)), "value": np.tile(values, len(dimensions))},
            {"vaematrix.kl": [round(float(nats), 3) for nats in kl], **origin},
        )

        switched = generation.switch_attributes(
            model,
            means[:SWITCHED_FACES],
            faces.attributes[:SWITCHED_FACES],
            generation.attribute_directions(codes, train.attributes),
        )
        columns = ["unchanged", *names]
        write_images(
            output.attributes,
            switched.reshape(-1, *switched.shape[2:]),
            {
                "image_id": np.repeat(faces.image_ids[:SWITCHED_FACES], len(columns)),
                "switched": columns * len(switched),
            },
            {"vaematrix.by": "label" if model.conditional else "direction", **origin},
        )


def write_latents(path: str, splits: list[tuple[str, Faces, np.ndarray, np.ndarray]], metadata: dict[str, Any]) -> None:
    """Write the posteriors of the splits (name, faces, means, standard deviations) with the faces' attributes.

    Of a large training split 20,000 faces are kept, chosen by a fixed seed; the others' order is the shards'.
    """
    tables = []
    for split, faces, means, deviations in splits:
        rows = at_most(MOST_FACES, len(means), seed=0) if split == "train" else np.arange(len(means))
        attributes = dict(zip(faces.attribute_names, faces.attributes[rows].T, strict=True))
        columns = {"image_id": np.array(faces.image_ids)[rows], "split": [split] * len(rows), **attributes}
        tables.append((columns, means[rows], deviations[rows] ** 2))
    columns, means, variances = zip(*tables, strict=True)
    write_vectors(
        path,
        {name: np.concatenate([part[name] for part in columns]) for name in columns[0]},
        {"mean": np.concatenate(means), "variance": np.concatenate(variances)},
        metadata,
    )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
