"""Codes are put where the prior is, once a model is trained."""

import numpy as np
import torch

from vaematrix.data.subsets import MOST_FACES, at_most
from vaematrix.generation.codec import encode
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.whitening import fitted


def whiten(model: Autoencoder, images: np.ndarray, attributes: np.ndarray) -> None:
    """Give the model the whitening of its codes of training images; of more than 20,000, that many of a fixed seed.

    Args:
        images: uint8 [n, h, w, 3]. attributes: bool [n, k].
    """
    rows = at_most(MOST_FACES, len(images), seed=0)
    means, deviations = map(torch.from_numpy, encode(model.eval(), images[rows], attributes[rows]))
    model.whitening = fitted(means, deviations.square()).to(next(model.parameters()).device)
