"""The loss on the validation split, which nothing is trained on."""

import torch
from torch import Tensor

from vaematrix.data.batches import Batches
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.training import precision


@torch.inference_mode()
def validate(model: Autoencoder, valid: Batches, batch_size: int) -> dict[str, float]:
    """The loss terms over the whole validation split, with the same noise at every epoch.

    A calibrated σ² is the split's MSE here, not a batch's. The MMD and |KL - C| are means over batches, as in training.
    """
    model.eval()
    device = valid.device
    generator = torch.Generator(device).manual_seed(0)
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    done = torch.ones((), device=device)
    for index in _blocks(len(valid), batch_size):
        x, y = valid.batch(index)
        noise = torch.randn(model.noise_shape(len(x)), generator=generator, device=device)
        with precision.autocast(device):
            parts = model.parts(x, y, noise, done)
        sums += torch.stack([parts.sse.double().sum(), parts.kl.double().sum(), parts.penalty.double() * len(x)])
    sse, kl, penalty = sums / len(valid)
    nll, _ = model.likelihood(sse)
    return {
        "valid_loss": float(nll + penalty),
        "valid_kl": float(kl),
        "valid_mse": float(sse) / model.network.values,
    }


def _blocks(count: int, size: int) -> list[Tensor]:
    """0 … count-1 in blocks of `size`; a last one of a single image, which has no MMD, joins the block before."""
    blocks = list(torch.arange(count).split(size))
    if len(blocks) > 1 and len(blocks[-1]) == 1:
        blocks[-2:] = [torch.cat(blocks[-2:])]
    return blocks
