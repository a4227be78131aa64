"""Networks that turn images into feature vectors: one file a network, found by being here.

A network's name in the config (`evaluation.features.network`) is its file's. The file holds a function
`load(weights, device)`, where `weights` is a file of the user's or None. Whatever distance is measured in a network's
features is named after the network, so that the numbers of two of them never meet in one column.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from vaematrix.metrics.catalogue import FeatureMetrics

_BATCH_ON_CPU, _BATCH_ON_GPU = 8, 128  # on a CPU the activations of eight images still fit the cache


@dataclass(frozen=True)
class FeatureNetwork:
    """A network with its weights, and what is measured in its features.

    Attributes:
        name: the file's.
        title: the name people read.
        layers: uint8 RGB [n, 3, height, width] of any size to float32 [n, dims]; resizing and normalising included.
        dims: length of a feature vector.
        metrics: what is measured in its features.
        identity: what made the features, as JSON values: network, hash of the weights, dims. Statistics of different
            identities are not comparable.
    """

    name: str
    title: str
    layers: nn.Module
    dims: int
    metrics: FeatureMetrics
    identity: dict[str, Any]

    @torch.inference_mode()
    def features(
        self, images: np.ndarray, batch_size: int | None = None, progress: Callable[[int], Any] | None = None
    ) -> np.ndarray:
        """Feature vectors of images.

        Args:
            images: uint8 RGB [n, height, width, 3]; any size.
            batch_size: images at one time; by default what is fast.
            progress: called after each batch with the number of its images, e.g. `tqdm.update`.

        Returns:
            float32 [n, dims].
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {list(images.shape)}")
        device = next(self.layers.parameters()).device
        batch_size = batch_size or (_BATCH_ON_CPU if device.type == "cpu" else _BATCH_ON_GPU)
        features = np.empty((len(images), self.dims), dtype=np.float32)
        # TF32 would be another metric: its 10 bits of mantissa move the features by 1e-3.
        with (
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False, fp32_precision="ieee"),
            torch.autocast(device.type, enabled=False),
        ):
            for start in range(0, len(images), batch_size):
                batch = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size])).to(device)
                # NHWC seen as NCHW is torch's channels_last, the faster layout: no copy is made.
                features[start : start + len(batch)] = self.layers(batch.permute(0, 3, 1, 2)).cpu().numpy()
                if progress:
                    progress(len(batch))
        return features

    def features_of(self, images: np.ndarray, title: str) -> np.ndarray:
        """:meth:`features`, with a progress bar where standard error is a terminal."""
        with tqdm(total=len(images), desc=f"features of {title}", unit="image", disable=None) as bar:
            return self.features(images, progress=bar.update)


def networks() -> list[str]:
    """The names of all feature networks."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_network(name: str, weights: str | Path | None, device: str | torch.device = "cpu") -> FeatureNetwork:
    """A feature network, ready to be used.

    Args:
        name: one of :func:`networks`.
        weights: a file of its weights; None where they come with a package.
        device: where the features are computed.

    Raises:
        UserError: the weights are absent, or are not those of this network.
    """
    return importlib.import_module(f"{__name__}.{name}").load(weights, device)
