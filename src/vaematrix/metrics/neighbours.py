"""How much of two sets of features lies among the other's nearest neighbours.

A set's manifold is the union of balls around its points, each as wide as the distance to the point's k-th neighbour in
the set. Precision: the share of samples in the reference's manifold; recall: the share of the reference in the
samples' (Kynkäänniemi et al., 2019; k = 3). Density: in how many of the reference's balls a sample lies, over k, so
that it can exceed 1; coverage: the share of the reference's balls with a sample in them (Naeem et al., 2020; k = 5).
All four depend on both counts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

K_MANIFOLD, K_DENSITY = 3, 5
_ROWS_AT_ONCE = 1000  # with 20,000 columns 160 MB in float64


class Neighbours(NamedTuple):
    """Precision, recall and coverage in [0, 1]; density >= 0."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(samples: np.ndarray, reference: np.ndarray, device: torch.device | str = "cpu") -> Neighbours:
    """The four measures of features, float32 [n, d] and [m, d], with n and m above :data:`K_DENSITY`."""
    if min(len(samples), len(reference)) <= K_DENSITY:
        raise ValueError(f"{K_DENSITY} neighbours need more features than {len(samples)} and {len(reference)}")
    # Float64, because squared distances are small differences of large numbers.
    made, real = (torch.from_numpy(features).to(device, torch.float64) for features in (samples, reference))
    made_radii, _ = _radii(made, (K_MANIFOLD, K_DENSITY))
    real_radii, real_density_radii = _radii(real, (K_MANIFOLD, K_DENSITY))
    precise = density = 0
    recalled = torch.zeros(len(real), dtype=torch.bool, device=device)
    nearest = torch.full((len(real),), torch.inf, dtype=torch.float64, device=device)
    for rows, distances in _distances(made, real):
        precise += int((distances <= real_radii).any(1).sum())
        density += int((distances <= real_density_radii).sum())
        recalled |= (distances <= made_radii[rows, None]).any(0)
        nearest = torch.minimum(nearest, distances.amin(0))
    return Neighbours(
        precise / len(made),
        float(recalled.double().mean()),
        density / (K_DENSITY * len(made)),
        float((nearest <= real_density_radii).double().mean()),
    )


def _radii(of: Tensor, ks: tuple[int, ...]) -> Tensor:
    """Each point's distance to its k-th neighbour, which it is not itself, [len(ks), n]."""
    parts = [
        # The point itself is the first of the k + 1 nearest.
        distances.topk(max(ks) + 1, largest=False).values[:, list(ks)].T
        for _, distances in _distances(of, of)
    ]
    return torch.cat(parts, dim=1)


def _distances(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The Euclidean distances of a few rows of `a` at a time from all of `b`."""
    for start in range(0, len(a), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        yield rows, torch.cdist(a[rows], b)
