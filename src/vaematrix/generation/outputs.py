"""What a trained model makes of codes and faces, written as parquet.

The metrics judge reconstructions, latents and samples; walks and edits show a few faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vaematrix.common.images import write_images
from vaematrix.common.vectors import write_vectors
from vaematrix.data.shards import Faces
from vaematrix.data.subsets import MOST_FACES, at_most
from vaematrix.generation.codec import decode, encode
from vaematrix.generation.edits import attribute_directions, switch_attributes
from vaematrix.generation.samplers import SAMPLERS, PriorSampler, draw_attributes
from vaematrix.generation.walks import interpolate, traverse
from vaematrix.models.autoencoder import Autoencoder

PRIOR_SAMPLES = 20
TRAVERSED_DIMENSIONS, TRAVERSAL_STEPS = 8, 9
INTERPOLATED_PAIRS, INTERPOLATION_STEPS = 5, 8
SWITCHED_FACES = 6

Origin = Mapping[str, Any]
"""Metadata of every file: the key and the weights that made it."""


@dataclass(frozen=True)
class EncodedFaces:
    """Faces and the posteriors that a model gives them; means and standard deviations float32 [n, latent]."""

    faces: Faces
    means: np.ndarray
    deviations: np.ndarray


def encode_faces(model: Autoencoder, faces: Faces) -> EncodedFaces:
    """The faces with their posteriors."""
    return EncodedFaces(faces, *encode(model, faces.images, faces.attributes))


def write_reconstructions(
    path: str | Path, model: Autoencoder, encoded: EncodedFaces, split: str, origin: Origin
) -> None:
    """Write what the decoder makes of the posteriors' means."""
    faces = encoded.faces
    images = decode(model, encoded.means, faces.attributes)
    write_images(path, images, {"image_id": faces.image_ids}, {"vaematrix.split": split, **origin})


def write_latents(path: str | Path, splits: Mapping[str, EncodedFaces], origin: Origin) -> None:
    """Write the posteriors of the splits with the faces' attributes.

    Of a large training split 20,000 faces are kept, chosen by a fixed seed; the others' order is the shards'.
    """
    tables = []
    for split, encoded in splits.items():
        faces, count = encoded.faces, len(encoded.means)
        rows = at_most(MOST_FACES, count, seed=0) if split == "train" else np.arange(count)
        attributes = dict(zip(faces.attribute_names, faces.attributes[rows].T, strict=True))
        columns = {"image_id": np.array(faces.image_ids)[rows], "split": [split] * len(rows), **attributes}
        tables.append((columns, encoded.means[rows], encoded.deviations[rows] ** 2))
    columns, means, variances = zip(*tables, strict=True)
    write_vectors(
        path,
        {name: np.concatenate([table[name] for table in columns]) for name in columns[0]},
        {"mean": np.concatenate(means), "variance": np.concatenate(variances)},
        origin,
    )


def write_samples(
    path: str | Path, model: Autoencoder, train: EncodedFaces, sampling: Mapping[str, Any], origin: Origin
) -> None:
    """Write the samples that the metrics judge.

    Sampler and labels are of the training split: what a model is judged against must not tell it what to draw.

    Args:
        sampling: the configuration's section: `sampler`, `count` and `seed`.
    """
    count, seed = sampling["count"], sampling["seed"]
    sampler = SAMPLERS[sampling["sampler"]](model.network.latent)
    sampler.fit(train.means)
    labels = draw_attributes(train.faces.attributes, count, seed)
    columns = zip(train.faces.attribute_names, map(pa.array, labels.T), strict=True)
    write_images(
        path,
        decode(model, sampler.draw(count, seed), labels),
        dict(columns) if model.conditional else {},
        {
            "vaematrix.sampling": {**sampling, **sampler.about},
            "vaematrix.labels": "joint of the train split" if model.conditional else None,
            **origin,
        },
    )


def write_prior_samples(path: str | Path, model: Autoencoder, train: Faces, seed: int, origin: Origin) -> None:
    """Write a few samples of the prior, of the same codes for all models."""
    labels = draw_attributes(train.attributes, PRIOR_SAMPLES, seed)
    codes = PriorSampler(model.network.latent).draw(PRIOR_SAMPLES, seed)
    write_images(path, decode(model, codes, labels), {}, {"vaematrix.seed": seed, **origin})


def write_traversal(path: str | Path, model: Autoencoder, encoded: EncodedFaces, origin: Origin) -> None:
    """Write the first face's code moved along the dimensions of most KL."""
    first = encoded.faces.attributes[0]
    images, dimensions, kl, values = traverse(
        model, encoded.means, encoded.deviations, first, TRAVERSED_DIMENSIONS, TRAVERSAL_STEPS
    )
    write_images(
        path,
        images.reshape(-1, *images.shape[2:]),
        {"dimension": np.repeat(dimensions, len(values)), "value": np.tile(values, len(dimensions))},
        {"vaematrix.kl": [round(float(nats), 3) for nats in kl], **origin},
    )


def write_interpolations(path: str | Path, model: Autoencoder, encoded: EncodedFaces, origin: Origin) -> None:
    """Write the ways between the first pairs of faces."""
    ends = 2 * min(INTERPOLATED_PAIRS, len(encoded.means) // 2)
    images = interpolate(model, encoded.means[:ends], encoded.faces.attributes[:ends], INTERPOLATION_STEPS)
    names = encoded.faces.image_ids[:ends]
    columns = {"from": np.repeat(names[::2], INTERPOLATION_STEPS), "to": np.repeat(names[1::2], INTERPOLATION_STEPS)}
    write_images(path, images.reshape(-1, *images.shape[2:]), columns, origin)


def write_switched(
    path: str | Path, model: Autoencoder, train: EncodedFaces, encoded: EncodedFaces, origin: Origin
) -> None:
    """Write the first faces with one attribute after the other switched, by directions of the training split."""
    images = switch_attributes(
        model,
        encoded.means[:SWITCHED_FACES],
        encoded.faces.attributes[:SWITCHED_FACES],
        attribute_directions(train.means, train.faces.attributes),
    )
    switched = ["unchanged", *encoded.faces.attribute_names]
    write_images(
        path,
        images.reshape(-1, *images.shape[2:]),
        {
            "image_id": np.repeat(encoded.faces.image_ids[:SWITCHED_FACES], len(switched)),
            "switched": switched * len(images),
        },
        {"vaematrix.by": "label" if model.conditional else "direction", **origin},
    )
