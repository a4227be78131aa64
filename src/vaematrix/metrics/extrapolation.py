"""The Fréchet distance at several sample counts, and what it tends to: at endless samples against these M images.

FID∞ of Chong and Forsyth (2020), for the samples alone. The distance of N samples is biased upwards by about b/N, and b
depends on the model: at one N, models are not ranked as they would be with endless samples. The line through the
distances at N and N/2, over 1/N, meets 1/N = 0 at the unbiased distance. It is drawn through these two alone because
the distance bends over a wider range: with five times as many samples as dimensions, a line through all counts down to
N/10 came out far too low where the spectrum is flat (-0.3 for 1.37, against 1.14 by two;
tests/metrics/test_extrapolation.py). With fewer than four samples a dimension two counts lie on the bend as well.

The reference is the same M images at every N. Its own bias, about c/M, is in the value and not in the interval: what is
estimated is the distance to these images, not to what they are drawn from.

A count N/k is measured on k disjoint subsets. That gives the interval, too: the mean over the ten subsets of N/10 has
the same leading noise as the distance at N, so their standard deviation over √10 is its standard error (batch means),
and Student's t with 9 degrees of freedom does the rest. The residuals of a regression would not do, because all counts
share the same samples.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg, stats

from vaematrix.metrics.frechet import Statistics, root_of

PARTS = (10, 5, 3, 2, 1)  # 21 distances in all
SAMPLES_A_DIMENSION = 4


@dataclass(frozen=True)
class Point:
    """The mean distance of `subsets` disjoint subsets of `count` samples each."""

    count: int
    subsets: int
    distance: float


class Extrapolation(NamedTuple):
    """The distance at endless samples, its interval (of the samples, not of the reference), and what it comes from."""

    value: float
    low: float
    high: float
    points: tuple[Point, ...]


def enough(count: int, dims: int) -> bool:
    """Whether `count` samples of features of `dims` dimensions can be extrapolated from."""
    return count >= SAMPLES_A_DIMENSION * dims


def extrapolate(features: np.ndarray, reference: Statistics, *, confidence: float, seed: int) -> Extrapolation:
    """The distance from `reference` at several counts, and at endless samples against its images.

    Args:
        features: of the samples, [n, dims], with `enough(n, dims)`.
        reference: of the same network. confidence: of the interval, e.g. 0.95. seed: of the subsets.
    """
    if not enough(*features.shape):
        raise ValueError(f"{len(features)} samples of {features.shape[1]} dimensions are too few to extrapolate from")
    order = np.random.default_rng(seed).permutation(len(features))
    measured = _distances(features[order], reference)
    points = tuple(Point(len(features) // parts, parts, float(np.mean(of))) for parts, of in measured.items())
    half, whole = points[-2:]
    # The line's value at 1/N = 0; with an even N it is 2·d(N) - d(N/2).
    value = (whole.count * whole.distance - half.count * half.distance) / (whole.count - half.count)
    parts = PARTS[0]
    reach = stats.t.ppf((1 + confidence) / 2, parts - 1) * np.std(measured[parts], ddof=1) / np.sqrt(parts)
    return Extrapolation(value, float(value - reach), float(value + reach), points)


def _distances(features: np.ndarray, reference: Statistics) -> dict[int, list[float]]:
    """By each number of parts the distances of so many equal subsets; what is left over is in none.

    They are those of :func:`vaematrix.metrics.frechet.distance`, with the reference's root R taken once: tr (Σ₁Σ₂)^½ is
    the sum of the singular values of XR/√(n-1), X the centred features, found from the smaller of its two squares.
    """
    shifted = features.astype(np.float64) - reference.mean
    turned = shifted @ root_of(reference.covariance)
    return {
        parts: [
            _distance(shifted[rows], turned[rows], np.trace(reference.covariance))
            for rows in np.arange(len(features) // parts * parts).reshape(parts, -1)
        ]
        for parts in PARTS
    }


def _distance(shifted: np.ndarray, turned: np.ndarray, trace: float) -> float:
    """Of features X from the reference's mean and XR, both [n, dims], and the trace of its covariance."""
    count = len(shifted) - 1
    centred = turned - turned.mean(axis=0)
    square = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    roots = np.sqrt(np.maximum(linalg.eigvalsh(square) / count, 0))
    difference = shifted.mean(axis=0)
    return float(difference @ difference + shifted.var(axis=0, ddof=1).sum() + trace - 2 * roots.sum())
