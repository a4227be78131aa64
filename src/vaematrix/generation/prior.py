"""The prior that a model was trained with: how codes are drawn from it, and what it says of codes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vaematrix.generation.codec import BATCH
from vaematrix.generation.latents import BesidePrior
from vaematrix.generation.posteriors import Posteriors, noise
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.posterior import Posterior

PRIOR_SEED = 2
SPREAD_DRAWS = 4096  # a standard deviation is known to 1 % from as many


def draw_prior(model: Autoencoder, labels: np.ndarray, seed: int) -> np.ndarray:
    """One code for each row of labels. Args: labels: bool [n, k], of all attributes. Returns float32 [n, latent]."""
    return _in_batches(model, model.prior.sample, noise(len(labels), model.prior.noise_dimensions, seed), labels)


def prior_log_density(model: Autoencoder, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """ln p(z) or ln p(z | y) of each code in nats, float64 [n]. Args: codes: [n, latent]. labels: bool [n, k]."""
    return _in_batches(model, model.prior.log_prob, codes.astype(np.float32), labels).astype(np.float64)


def kl_to_prior(model: Autoencoder, posteriors: Posteriors) -> np.ndarray:
    """KL(q(z | x) ‖ p) of each face in nats, float32 [n]; where it has no closed form, estimated by one draw of q."""

    def kl(mean: Tensor, log_variance: Tensor, z: Tensor, y: Tensor) -> Tensor:
        return model.prior.kl(Posterior(mean, log_variance), z, y)

    log_variances = 2 * np.log(posteriors.deviations)
    return _in_batches(model, kl, posteriors.means, log_variances, posteriors.draw(0), posteriors.labels)


@torch.inference_mode()
def _in_batches(model: Autoencoder, function: Callable[..., Tensor], *arrays: np.ndarray) -> np.ndarray:
    """What a function makes of arrays [n, …] on the model's device, batch by batch."""
    device = next(model.parameters()).device
    batches = zip(*(torch.from_numpy(array).split(BATCH) for array in arrays), strict=True)
    return torch.cat([function(*(part.to(device) for part in batch)).cpu() for batch in batches]).numpy()


def beside_prior(model: Autoencoder, posteriors: Posteriors) -> BesidePrior | None:
    """The model's prior beside the posteriors of faces; None where it is N(0, I)."""
    if not model.prior.kind.learned:
        return None
    # Another seed than that of the posteriors' draws, which they would else be correlated with.
    draws = draw_prior(model, posteriors.labels, seed=PRIOR_SEED)
    return BesidePrior(model.prior.about, draws, kl_to_prior(model, posteriors))


def spread_of_prior(model: Autoencoder, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each unit under p(z) or p(z | y), two float32 [latent]. Args: label: bool [k]."""
    latent = model.network.latent
    if not model.prior.kind.learned:
        return np.zeros(latent, np.float32), np.ones(latent, np.float32)
    drawn = draw_prior(model, np.repeat(label[None], SPREAD_DRAWS, axis=0), seed=0)
    return drawn.mean(axis=0), drawn.std(axis=0)
