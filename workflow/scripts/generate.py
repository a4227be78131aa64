"""What a trained model makes of codes and faces, as parquet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.images import write_images
from vaematrix.common.vectors import write_vectors
from vaematrix.data.shards import Faces, read_faces
from vaematrix.data.subsets import MOST_FACES, at_most
from vaematrix.generation import generate as generation
from vaematrix.generation.samplers import SAMPLERS, PriorSampler
from vaematrix.models import weights
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.training import checkpoint
from vaematrix.training.loop import Split

TRAVERSED, STEPS, SWITCHED_FACES, PAIRS, BETWEEN, OF_THE_PRIOR = 8, 9, 6, 5, 8, 20


@dataclass(frozen=True)
class Encoded:
    """Faces and the posteriors that a model gives them; means and standard deviations float32 [n, latent]."""

    faces: Faces
    means: np.ndarray
    deviations: np.ndarray

    @classmethod
    def by(cls, model: Autoencoder, faces: Faces, device: torch.device) -> "Encoded":
        return cls(faces, *generation.encode(model, Split.on(device, faces.images, faces.attributes)))


def main(snakemake: Any) -> None:
    p, output = snakemake.params, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        digest = weights.intact(snakemake.input.weights, snakemake.input.run)
        origin = {"vaematrix.key": p.key, "vaematrix.weights_sha256": digest}
        # Snakemake knows by now that the training is complete, so nothing can need its checkpoint any more.
        checkpoint.clear(Path(snakemake.input.weights).parent)
        model = weights.load(snakemake.input.weights, device)
        train, faces = (
            Encoded.by(model, read_faces(snakemake.input.shards, split), device) for split in ("train", p.split)
        )
        write_images(
            output.reconstructions,
            generation.decode(model, faces.means, faces.faces.attributes),
            {"image_id": faces.faces.image_ids},
            {"vaematrix.split": p.split, **origin},
        )
        write_latents(output.latents, {"train": train, p.split: faces}, origin)
        write_samples(output, model, train, p.sampling, origin)
        write_traversal(output.traversal, model, faces, origin)
        write_interpolations(output.interpolations, model, faces, origin)
        write_switched(output.attributes, model, train, faces, origin)


def write_samples(
    output: Any,
    model: Autoencoder,
    train: Encoded,
    sampling: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> None:
    """Write the samples that the metrics judge, and a few of the prior, of the same codes for all models.

    Sampler and labels are of the training split: what a model is judged against must not tell it what to draw.
    """
    latent, count, seed = model.network.latent, sampling["count"], sampling["seed"]
    sampler = SAMPLERS[sampling["sampler"]](latent)
    sampler.fit(train.means)
    joint, names = train.faces.attributes, train.faces.attribute_names
    drawn = generation.draw_attributes(joint, count, seed)
    write_images(
        output.samples,
        generation.decode(model, sampler.draw(count, seed), drawn),
        dict(zip(names, map(pa.array, drawn.T), strict=True)) if model.conditional else {},
        {
            "vaematrix.sampling": {**sampling, **sampler.about},
            "vaematrix.labels": "joint of the train split" if model.conditional else None,
            **origin,
        },
    )
    labels = generation.draw_attributes(joint, OF_THE_PRIOR, seed)
    same = generation.decode(model, PriorSampler(latent).draw(OF_THE_PRIOR, seed), labels)
    write_images(output.prior_samples, same, {}, {"vaematrix.seed": seed, **origin})


def write_traversal(path: str, model: Autoencoder, of: Encoded, origin: Mapping[str, Any]) -> None:
    """Write the first face's code moved along the dimensions of most KL."""
    images, dimensions, kl, values = generation.traverse(
        model, of.means, of.deviations, of.faces.attributes[0], TRAVERSED, STEPS
    )
    write_images(
        path,
        images.reshape(-1, *images.shape[2:]),
        {"dimension": np.repeat(dimensions, len(values)), "value": np.tile(values, len(dimensions))},
        {"vaematrix.kl": [round(float(nats), 3) for nats in kl], **origin},
    )


def write_interpolations(path: str, model: Autoencoder, of: Encoded, origin: Mapping[str, Any]) -> None:
    """Write the ways between the first pairs of faces."""
    ends = 2 * min(PAIRS, len(of.means) // 2)
    images = generation.interpolate(model, of.means[:ends], of.faces.attributes[:ends], BETWEEN)
    names = of.faces.image_ids[:ends]
    columns = {"from": np.repeat(names[::2], BETWEEN), "to": np.repeat(names[1::2], BETWEEN)}
    write_images(path, images.reshape(-1, *images.shape[2:]), columns, origin)


def write_switched(path: str, model: Autoencoder, train: Encoded, of: Encoded, origin: Mapping[str, Any]) -> None:
    """Write the first faces with one attribute after the other switched."""
    switched = generation.switch_attributes(
        model,
        of.means[:SWITCHED_FACES],
        of.faces.attributes[:SWITCHED_FACES],
        generation.attribute_directions(train.means, train.faces.attributes),
    )
    columns = ["unchanged", *of.faces.attribute_names]
    write_images(
        path,
        switched.reshape(-1, *switched.shape[2:]),
        {
            "image_id": np.repeat(of.faces.image_ids[:SWITCHED_FACES], len(columns)),
            "switched": columns * len(switched),
        },
        {"vaematrix.by": "label" if model.conditional else "direction", **origin},
    )


def write_latents(path: str, splits: Mapping[str, Encoded], origin: Mapping[str, Any]) -> None:
    """Write the posteriors of the splits with the faces' attributes.

    Of a large training split 20,000 faces are kept, chosen by a fixed seed; the others' order is the shards'.
    """
    tables = []
    for split, of in splits.items():
        rows = at_most(MOST_FACES, len(of.means), seed=0) if split == "train" else np.arange(len(of.means))
        attributes = dict(zip(of.faces.attribute_names, of.faces.attributes[rows].T, strict=True))
        columns = {"image_id": np.array(of.faces.image_ids)[rows], "split": [split] * len(rows), **attributes}
        tables.append((columns, of.means[rows], of.deviations[rows] ** 2))
    columns, means, variances = zip(*tables, strict=True)
    write_vectors(
        path,
        {name: np.concatenate([part[name] for part in columns]) for name in columns[0]},
        {"mean": np.concatenate(means), "variance": np.concatenate(variances)},
        origin,
    )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
