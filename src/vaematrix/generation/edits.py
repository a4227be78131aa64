"""Edits of faces in latent space: one attribute switched, everything else kept."""

import numpy as np

from vaematrix.generation.codec import decode
from vaematrix.models.autoencoder import Autoencoder


def attribute_directions(codes: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """For each attribute, the mean code with it minus the mean code without it (Larsen et al., 2016).

    Args:
        codes: posterior means of training images, float32 [n, latent]. attributes: bool [n, k].

    Returns:
        float32 [k, latent]; zero for an attribute that all images have, or none.
    """
    present = attributes.astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = (
            present.T @ codes / present.sum(0)[:, None] - (1 - present).T @ codes / (1 - present).sum(0)[:, None]
        )
    return np.nan_to_num(difference)


def switch_attributes(
    model: Autoencoder, codes: np.ndarray, attributes: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Decode each code as it is, then with one attribute after the other switched.

    A conditional model is told the other label y and keeps z; any other model's z is moved along the attribute's
    direction, forwards where the face lacks the attribute and backwards where it has it.

    Args:
        codes: float32 [n, latent]. attributes: bool [n, k].
        directions: [k, latent], of :func:`attribute_directions`.

    Returns:
        uint8 [n, 1 + k, h, w, 3].
    """
    columns = 1 + attributes.shape[1]
    labels, moved = np.repeat(attributes[:, None], columns, axis=1), np.repeat(codes[:, None], columns, axis=1)
    for attribute, direction in enumerate(directions):
        labels[:, 1 + attribute, attribute] ^= True
        moved[:, 1 + attribute] += np.where(attributes[:, attribute], -1, 1)[:, None] * direction
    shown = codes[:, None].repeat(columns, axis=1) if model.conditional else moved
    images = decode(model, shown.reshape(-1, codes.shape[1]), labels.reshape(-1, attributes.shape[1]))
    return images.reshape(len(codes), columns, *images.shape[1:])
