"""Images to codes and codes to images, with a trained model. All images are quantised to uint8.

Metrics see only these quantised images, as in the published protocols that compute them from image files.
"""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from vaematrix.data.batches import Batches
from vaematrix.models.autoencoder import Autoencoder

BATCH = 256

# TF32's short mantissa would make a GPU's images differ from a CPU's in some grey levels.
_exact = partial(torch.backends.cudnn.flags, enabled=True, allow_tf32=False)


@torch.inference_mode()
@_exact()
def encode(model: Autoencoder, images: np.ndarray, attributes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Encode images.

    Args:
        images: uint8 [n, h, w, 3].
        attributes: bool [n, k], or float32 in [0, 1] for what lies between; read by conditional models only.

    Returns:
        The posteriors' means and standard deviations, both float32 [n, latent].
    """
    batches = Batches(images, attributes, next(model.parameters()).device)
    means, deviations = [], []
    for index in torch.arange(len(batches)).split(BATCH):
        mean, log_variance = model.encode(*batches.batch(index))
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


def _quantised(x: Tensor) -> Tensor:
    """[0, 1] [b, 3, h, w] → uint8 [b, h, w, 3], rounded to the nearest level."""
    return (x * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
