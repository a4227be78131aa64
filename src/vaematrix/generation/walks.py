"""Walks in latent space: along the dimensions that carry most, and from one face to another."""

import numpy as np
import torch

from vaematrix.generation.codec import decode
from vaematrix.generation.prior import spread_of_prior
from vaematrix.models import losses
from vaematrix.models.autoencoder import Autoencoder


def traverse(
    model: Autoencoder, means: np.ndarray, deviations: np.ndarray, attributes: np.ndarray, dimensions: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Walk along the latent dimensions that carry most information, around one face's code.

    Args:
        means, deviations: the posteriors of the reference split, float32 [n, latent].
        attributes: bool [k], of the face walked around; it is the split's first.

    Returns:
        images uint8 [dimensions, steps, h, w, 3]; the dimensions walked, int [dimensions]; their mean KL in nats;
        and the values taken, in standard deviations of the prior from its mean, [steps].
    """
    centre, spread = spread_of_prior(model, attributes)
    kl = _kl_per_dimension((means - centre) / spread, deviations / spread)
    chosen = np.argsort(-kl, kind="stable")[:dimensions]
    values = np.linspace(-3, 3, steps, dtype=np.float32)
    codes = np.repeat(means[:1], len(chosen) * steps, axis=0).reshape(len(chosen), steps, -1)
    for row, dimension in enumerate(chosen):
        codes[row, :, dimension] = centre[dimension] + spread[dimension] * values
    flat = codes.reshape(-1, codes.shape[-1])
    images = decode(model, flat, np.repeat(attributes[None], len(flat), axis=0))
    return images.reshape(len(chosen), steps, *images.shape[1:]), chosen, kl[chosen], values


def interpolate(model: Autoencoder, codes: np.ndarray, attributes: np.ndarray, steps: int) -> np.ndarray:
    """Walk from the first code to the second on a straight line, from the third to the fourth, and so on.

    A conditional model's labels go along, so that both ends are the faces' reconstructions.

    Args:
        codes: float32 [2·pairs, latent]. attributes: bool [2·pairs, k].
        steps: pictures on each line, both ends included.

    Returns:
        uint8 [pairs, steps, h, w, 3].
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]

    def line(ends: np.ndarray) -> np.ndarray:
        return ((1 - share) * ends[::2, None] + share * ends[1::2, None]).reshape(-1, ends.shape[1])

    images = decode(model, line(codes), line(attributes.astype(np.float32)))
    return images.reshape(-1, steps, *images.shape[1:])


def _kl_per_dimension(means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """The mean KL of each latent dimension in nats, float32 [latent]."""
    mean, log_variance = torch.from_numpy(means), 2 * torch.from_numpy(deviations).log()
    return losses.kl_per_dimension(mean, log_variance).mean(0).numpy()
