"""What a trained model makes of codes and faces, written as parquet.

The metrics judge reconstructions, latents and samples; walks and edits show a few faces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vaematrix.common.images import write_images
from vaematrix.data.shards import Faces
from vaematrix.generation.codec import decode, encode
from vaematrix.generation.edits import attribute_directions, switch_attributes
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.latents import EncodedFaces, told
from vaematrix.generation.posteriors import Posteriors
from vaematrix.generation.prior import beside_prior, draw_prior, prior_log_density
from vaematrix.generation.sampler import HeldOut
from vaematrix.generation.walks import interpolate, traverse
from vaematrix.models.autoencoder import Autoencoder

PRIOR_SAMPLES = 20
TRAVERSED_DIMENSIONS, TRAVERSAL_STEPS = 8, 9
INTERPOLATED_PAIRS, INTERPOLATION_STEPS = 5, 8
SWITCHED_FACES = 6

Origin = Mapping[str, Any]
"""Metadata of every file: the key and the weights that made it."""


@dataclass(frozen=True)
class Sampling:
    """Where the codes of samples come from.

    Attributes:
        sampler: its name. count, seed: how many, and of which draw.
        held_out: how likely the sampler finds codes that it never saw. fit: what the protocol says of its fit.
    """

    sampler: str
    count: int
    seed: int
    held_out: HeldOut
    fit: Mapping[str, Any] = field(default_factory=dict)


def encode_faces(model: Autoencoder, faces: Faces) -> EncodedFaces:
    """The faces with their posteriors."""
    means, deviations = encode(model, faces.images, faces.attributes)
    posteriors = Posteriors(means, deviations, told(faces.attributes, model.conditional))
    return EncodedFaces(faces, means, deviations, beside_prior(model, posteriors))


def write_reconstructions(
    path: str | Path, model: Autoencoder, encoded: EncodedFaces, split: str, origin: Origin
) -> None:
    """Write what the decoder makes of the posteriors' means."""
    faces = encoded.faces
    images = decode(model, encoded.means, faces.attributes)
    write_images(path, images, {"image_id": faces.image_ids}, {"vaematrix.split": split, **origin})


def write_samples(
    path: str | Path,
    model: Autoencoder,
    codes: np.ndarray,
    labels: np.ndarray,
    attribute_names: Sequence[str],
    sampling: Sampling,
    origin: Origin,
) -> None:
    """Write the samples that the metrics judge.

    Args:
        codes: float32 [n, latent]. labels: bool [n, k], drawn from the training split: what a model is judged against
            must not tell it what to draw.
        attribute_names: of the labels' columns. sampling: where the codes come from.
    """
    columns = zip(attribute_names, map(pa.array, labels.T), strict=True)
    write_images(
        path,
        decode(model, codes, labels),
        dict(columns) if model.conditional else {},
        {
            "vaematrix.sampling": asdict(sampling),
            "vaematrix.labels": "joint of the train split" if model.conditional else None,
            **origin,
        },
    )


def prior_held_out(model: Autoencoder, valid: EncodedFaces) -> HeldOut:
    """How likely the prior finds codes of the validation split."""
    posteriors = Posteriors(valid.means, valid.deviations, told(valid.faces.attributes, model.conditional))
    found = prior_log_density(model, posteriors.draw(0), posteriors.labels)
    return HeldOut(float(found.mean()), len(found), "exact")


def write_prior_samples(path: str | Path, model: Autoencoder, train: Faces, seed: int, origin: Origin) -> None:
    """Write a few samples of the prior, of the same noise for all models."""
    labels = draw_attributes(train.attributes, PRIOR_SAMPLES, seed)
    images = decode(model, draw_prior(model, labels, seed), labels)
    write_images(path, images, {}, {"vaematrix.seed": seed, **origin})


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
