"""Metrics of pairs of images, one number a pair: one file a metric, found by being here.

A file holds a tuple `METRICS` of :class:`ReconstructionMetric`; its name does not matter.
"""

import importlib
import pkgutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow

from vaematrix.common.records import Entry
from vaematrix.metrics.bootstrap import mean_interval
from vaematrix.metrics.catalogue import Metric

if TYPE_CHECKING:
    import torch

_IMAGES_AT_ONCE = 16  # 1.6 MB in float64 at 64x64, which fits the cache
_IMAGES_AT_ONCE_ON_GPU = 512


@dataclass(frozen=True)
class ReconstructionMetric:
    """A number for each pair of an original and its reconstruction.

    Attributes:
        key: the name in metrics.json, tables and rubric.
        label: the name people read.
        scale: the unit or value range that belongs beside the number; "" where there is none.
        better: which direction is better.
        per_image: originals and reconstructions, both uint8 [n, height, width, channels], to float64 [n]. It is called
            by several threads.
        of_tensors: the same of tensors, for a GPU; None where that is not worth its while.
    """

    key: str
    label: str
    scale: str
    better: Literal["lower", "higher"]
    per_image: Callable[[np.ndarray, np.ndarray], np.ndarray]
    of_tensors: "Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None" = None

    def __call__(
        self, originals: np.ndarray, reconstructions: np.ndarray, device: "torch.device | None" = None
    ) -> np.ndarray:
        """Values of all pairs, float64 [n], computed a few images at a time.

        On `device` where that is a GPU and the metric can, else on as many threads as `pyarrow.cpu_count()` says.
        """
        pairs = originals, reconstructions
        if self.of_tensors and device is not None and device.type != "cpu":
            import torch

            tensors = zip(*(torch.from_numpy(images).split(_IMAGES_AT_ONCE_ON_GPU) for images in pairs), strict=True)
            return np.concatenate([self.of_tensors(x.to(device), y.to(device)).cpu().numpy() for x, y in tensors])
        parts = (
            [images[start : start + _IMAGES_AT_ONCE] for start in range(0, len(images), _IMAGES_AT_ONCE)]
            for images in pairs
        )
        with ThreadPoolExecutor(pyarrow.cpu_count()) as threads:
            return np.concatenate(list(threads.map(self.per_image, *parts)))


def reconstruction_metrics() -> tuple[ReconstructionMetric, ...]:
    """Every metric in the `METRICS` of a file of this folder, in the order of the file names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(metric for module in modules for metric in module.METRICS)


def evaluate_pairs(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    *,
    resamples: int,
    confidence: float,
    seed: int,
    device: "torch.device | None" = None,
) -> tuple[dict[str, Entry], dict[str, np.ndarray]]:
    """Judge reconstructions by every reconstruction metric.

    Args:
        originals: uint8 [n, height, width, channels], n >= 2.
        reconstructions: the same shape, in the same order.
        resamples: bootstrap resamples of the images.
        confidence: of the interval of the mean, e.g. 0.95.
        seed: of the resampling. Models judged with the same seed are judged on the same resampled faces.
        device: a GPU, for the metrics that can use one.

    Returns:
        The entries of metrics.json (value: the mean over the images; low, high: its bootstrap interval), and the
        values per image, float64 [n]; both by the metrics' keys.
    """
    if originals.dtype != np.uint8 or reconstructions.dtype != np.uint8:
        raise ValueError(f"images must be uint8, not {originals.dtype} and {reconstructions.dtype}")
    if originals.shape != reconstructions.shape or originals.ndim != 4:
        raise ValueError(
            f"originals {list(originals.shape)} and reconstructions {list(reconstructions.shape)} "
            "must have one shape [n, height, width, channels]"
        )
    entries, values = {}, {}
    for metric in reconstruction_metrics():
        values[metric.key] = metric(originals, reconstructions, device)
        low, high = mean_interval(values[metric.key], resamples=resamples, confidence=confidence, seed=seed)
        of_pairs = Metric(metric.key, metric.label, "reconstruction", metric.better, metric.scale)
        entries[metric.key] = of_pairs.entry(values[metric.key].mean(), len(originals), low=low, high=high)
    return entries, values
