"""The prior that a model was trained with: how codes are drawn from it, and what it says of codes."""

import numpy as np
import torch

from vaematrix.generation.latents import BesidePrior
from vaematrix.generation.posteriors import Posteriors, noise
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.posterior import Posterior

BATCH = 256
PRIOR_SEED = 2
SPREAD_DRAWS = 4096  # a standard deviation is known to 1 % from as many


@torch.inference_mode()
def draw_prior(model: Autoencoder, labels: np.ndarray, seed: int) -> np.ndarray:
    """One code for each row of labels. Args: labels: bool [n, k], of all attributes. Returns float32 [n, latent]."""
    drawn = torch.from_numpy(noise(len(labels), model.prior.noise_dimensions, seed))
    device = next(model.parameters()).device
    batches = zip(drawn.split(BATCH), torch.from_numpy(labels).split(BATCH), strict=True)
    return torch.cat([model.prior.sample(z.to(device), y.to(device)).cpu() for z, y in batches]).numpy()


@torch.inference_mode()
def prior_log_density(model: Autoencoder, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """ln p(z) or ln p(z | y) of each code in nats, float64 [n]. Args: codes: [n, latent]. labels: bool [n, k]."""
    device = next(model.parameters()).device
    z, y = torch.from_numpy(codes.astype(np.float32)), torch.from_numpy(labels)
    batches = zip(z.split(BATCH), y.split(BATCH), strict=True)
    found = [model.prior.log_prob(z.to(device), y.to(device)).double().cpu() for z, y in batches]
    return torch.cat(found).numpy()


@torch.inference_mode()
def kl_to_prior(model: Autoencoder, posteriors: Posteriors) -> np.ndarray:
    """KL(q(z | x) ‖ p) of each face in nats, float32 [n]; where it has no closed form, estimated by one draw of q."""
    device = next(model.parameters()).device
    arrays = posteriors.means, 2 * np.log(posteriors.deviations), posteriors.draw(0), posteriors.labels
    batches = zip(*(torch.from_numpy(array).to(device).split(BATCH) for array in arrays), strict=True)
    return torch.cat([model.prior.kl(Posterior(mean, log), z, y).cpu() for mean, log, z, y in batches]).numpy()


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
