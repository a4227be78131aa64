"""What a trained model makes: reconstructions, samples, traversals. All of it is quantised to uint8.

Metrics see only these quantised images, as in the published protocols that compute them from image files.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from vaematrix.models import losses
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.training.loop import Split

BATCH = 256

# TF32's short mantissa would make a GPU's images differ from a CPU's in some grey levels.
_exact = partial(torch.backends.cudnn.flags, enabled=True, allow_tf32=False)


@torch.inference_mode()
@_exact()
def encode(model: Autoencoder, faces: Split) -> tuple[np.ndarray, np.ndarray]:
    """The posteriors' means and standard deviations, both float32 [n, latent]."""
    device = next(model.parameters()).device
    means, deviations = [], []
    for index in torch.arange(len(faces)).split(BATCH):
        mean, log_variance = model.encode(*faces.batch(index, device))
        means.append(mean.cpu())
        deviations.append(torch.exp(0.5 * log_variance).cpu())
    return torch.cat(means).numpy(), torch.cat(deviations).numpy()


@torch.inference_mode()
@_exact()
def decode(model: Autoencoder, codes: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """Decode latent codes.

    Args:
        codes: float32 [n, latent].
        attributes: bool [n, k], or float32 in [0, 1] for what lies between; read by conditional models only.

    Returns:
        The decoder's means as uint8 [n, h, w, 3].
    """
    device = next(model.parameters()).device
    images = []
    for z, y in zip(torch.from_numpy(codes).split(BATCH), torch.from_numpy(attributes).split(BATCH), strict=True):
        images.append(_quantised(model.decode(z.to(device), y.to(device))).cpu())
    return torch.cat(images).numpy()


def draw_attributes(joint: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` rows of a split's attributes, drawn with replacement.

    Whole rows, so that the empirical joint is kept: independent bits would ask for bearded women in lipstick.

    Args:
        joint: bool [n, k], the attributes of the split; of the training split for samples that are to be judged.
    """
    return joint[np.random.default_rng([seed, 1]).integers(len(joint), size=count)]


def traverse(
    model: Autoencoder, means: np.ndarray, deviations: np.ndarray, attributes: np.ndarray, dimensions: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Walk along the latent dimensions that carry most information, around one face's code.

    Args:
        means, deviations: the posteriors of the reference split, float32 [n, latent].
        attributes: bool [k], of the face walked around; it is the split's first.

    Returns:
        images uint8 [dimensions, steps, h, w, 3]; the dimensions walked, int [dimensions]; their mean KL in nats;
        and the values taken, in standard deviations of the prior, [steps].
    """
    kl = _kl_per_dimension(means, deviations)
    chosen = np.argsort(-kl, kind="stable")[:dimensions]
    values = np.linspace(-3, 3, steps, dtype=np.float32)
    codes = np.repeat(means[:1], len(chosen) * steps, axis=0).reshape(len(chosen), steps, -1)
    for row, dimension in enumerate(chosen):
        codes[row, :, dimension] = values
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


def _quantised(x: Tensor) -> Tensor:
    """[0, 1] [b, 3, h, w] → uint8 [b, h, w, 3], rounded to the nearest level."""
    return (x * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _kl_per_dimension(means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """The mean KL of each latent dimension in nats, float32 [latent]."""
    n, latent = means.shape
    mean, log_variance = torch.from_numpy(means), 2 * torch.from_numpy(deviations).log()
    # One dimension a row turns the sum over dimensions into the KL of each.
    return (
        losses.kl_to_standard_normal(mean.reshape(-1, 1), log_variance.reshape(-1, 1)).view(n, latent).mean(0).numpy()
    )
