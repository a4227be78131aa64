"""What a model's latent does: how many nats and units carry the images, and how far the codes lie from the prior.

Everything is of the posteriors q(z | x) = N(mean, variance) of the evaluation split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

ACTIVE = 0.01  # Burda et al., 2016
# How far q(z) may lie from N(0, I) before a draw from the prior is no code that the decoder knows. For 64 units:
MOST_VARIANCE = 1.5  # or 1/1.5: ‖z‖² is 64 ± 11 under the prior and 96 ± 17 at 1.5 times the variance
MOST_MEAN = 0.25  # shifts all codes by 0.25·√64 = 2 standard deviations of the prior
MOST_CORRELATION = 0.1  # where the units share one factor, its direction has 1 + 63·0.1 = 7 times the prior's variance
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class LearnedPrior:
    """What is known of a prior that is not N(0, I), of which all is known.

    Attributes:
        about: its kind and options.
        draws: one for each image, of p(z | y) of its attributes where the prior is conditional, [n, d].
        kl: KL(q(z | x) ‖ p) of each image in nats, or an estimate of it, [n].
    """

    about: Mapping[str, Any]
    draws: np.ndarray
    kl: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """The mean of each unit, float64 [d]."""
        return self.draws.mean(axis=0, dtype=np.float64)

    @property
    def scale(self) -> np.ndarray:
        """The standard deviation of each unit, float64 [d]."""
        return self.draws.std(axis=0, ddof=1, dtype=np.float64)

    def standardised(self, codes: np.ndarray) -> np.ndarray:
        """Codes in units in which the prior has the mean 0 and the variance 1, float64 [n, d]."""
        return (codes - self.centre) / self.scale


def kl_per_unit(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The KL from N(0, 1) in nats, ½(μ² + σ² - 1 - ln σ²), averaged over the images. Two [n, d] to float64 [d].

    Training's own is :func:`vaematrix.models.losses.kl_per_dimension`. Metrics know arrays and no models, so it stands
    here once more: for numpy, in float64, and as a measurement that does not rest on the code that it judges.
    """
    mean, variance = mean.astype(np.float64), variance.astype(np.float64)
    return 0.5 * (mean**2 + variance - 1 - np.log(variance)).mean(axis=0)


def activity(mean: np.ndarray) -> np.ndarray:
    """Var_x(E[z | x]), float64 [d]: a unit above :data:`ACTIVE` is an active one (Burda et al., 2016, section 5.3)."""
    return mean.var(axis=0, ddof=1, dtype=np.float64)


def draw_codes(mean: np.ndarray, variance: np.ndarray, seed: int) -> np.ndarray:
    """One z ~ q(z | x) for each image, float64 [n, d]: draws from the aggregated posterior."""
    return mean + np.sqrt(variance, dtype=np.float64) * np.random.default_rng(seed).standard_normal(mean.shape)


class Aggregated(NamedTuple):
    """How codes z drawn from the aggregated posterior q(z) lie; from N(0, I) these are 1, 0, 0 and 0 but for chance.

    variance: mean over the units j of Var(z_j), n - 1 in the denominator.
    mean: mean over the units of |E z_j|.
    correlation, largest_correlation: mean and largest of |Corr(z_j, z_k)| over the pairs j < k; 0 for a single unit.
    """

    variance: float
    mean: float
    correlation: float
    largest_correlation: float


def aggregated(codes: np.ndarray, prior: np.ndarray | None = None) -> Aggregated:
    """What :class:`Aggregated` says.

    Args:
        codes: [n, dim] drawn from q(z | x), n >= 2, not the posteriors' means.
        prior: draws of a prior that is not N(0, I), standardised as the codes are: its units may be correlated, and
            then the correlations' differences are meant.
    """
    pairs = np.triu_indices(codes.shape[1], k=1)
    expected = 0.0 if prior is None else _correlation(prior)[pairs]
    correlations = np.abs(_correlation(codes)[pairs] - expected)
    return Aggregated(
        float(codes.var(axis=0, ddof=1).mean()),
        float(np.abs(codes.mean(axis=0)).mean()),
        float(correlations.mean()) if len(correlations) else 0.0,
        float(correlations.max(initial=0)),
    )


def _correlation(codes: np.ndarray) -> np.ndarray:
    """Corr(z_j, z_k), [dim, dim]; a unit that never changes is correlated with nothing."""
    deviations = codes.std(axis=0, ddof=1)
    standardised = (codes - codes.mean(axis=0)) / np.where(deviations > 0, deviations, 1)
    return standardised.T @ standardised / (len(codes) - 1)


def far_from_prior(of: Aggregated, count: int) -> list[str]:
    """In words, each way in which q(z) lies far from the prior; none where it lies near.

    What as many draws from the prior itself show by chance, √(2/(π·count)) in a mean and in a correlation, is allowed.
    """
    chance = np.sqrt(2 / (np.pi * count))
    far = []
    if not 1 / MOST_VARIANCE <= of.variance <= MOST_VARIANCE:
        far.append(f"their variance is {of.variance:.2f} (1 under the prior)")
    if of.mean > MOST_MEAN + chance:
        far.append(f"their |mean| is {of.mean:.2f} a unit (0)")
    if of.correlation > MOST_CORRELATION + chance:
        far.append(f"their units' mean |correlation| is {of.correlation:.2f} (0)")
    return far


def mmd_to_prior(codes: np.ndarray) -> float:
    """The unbiased estimate of MMD²(q(z), N(0, I)) (Gretton et al., 2012, eq. 3); it can be slightly negative.

    The kernel is exp(-‖d‖²/(2·dim)), as in training (:func:`vaematrix.models.losses.rbf_kernel`). Its expectations
    under the prior are known, so that no draws from the prior add their noise: with s² = dim, E k(z, Z) =
    (s²/(s²+1))^(dim/2) · exp(-‖z‖²/(2(s²+1))), and E k(Z, Z') = (s²/(s²+2))^(dim/2).

    Args:
        codes: [n, dim] drawn from q(z | x), n >= 2, not the posteriors' means.
    """
    codes = codes.astype(np.float64)
    dim = codes.shape[1]
    norms = (codes**2).sum(axis=1)
    between = (dim / (dim + 1)) ** (dim / 2) * np.exp(-norms / (2 * (dim + 1))).mean()
    return _within(codes) - 2 * float(between) + (dim / (dim + 2)) ** (dim / 2)


def mmd_to_draws(codes: np.ndarray, prior: np.ndarray) -> float:
    """The same against draws of another prior. Args: two [n, dim] and [m, dim], in the prior's standard deviations."""
    codes, prior = codes.astype(np.float64), prior.astype(np.float64)
    between = _kernel_sum(codes, prior) / (len(codes) * len(prior))
    return _within(codes) + _within(prior) - 2 * between


def _within(codes: np.ndarray) -> float:
    """The mean kernel of two different codes. Args: float64 [n, dim]."""
    n = len(codes)
    return (_kernel_sum(codes, codes) - n) / (n * (n - 1))


def _kernel_sum(a: np.ndarray, b: np.ndarray) -> float:
    """The sum of exp(-‖d‖²/(2·dim)) over all pairs, in blocks. Args: float64 [n, dim] and [m, dim]."""
    norms_a, norms_b = (a**2).sum(axis=1), (b**2).sum(axis=1)
    total = 0.0
    for start in range(0, len(a), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        squared = norms_a[rows, None] + norms_b - 2 * a[rows] @ b.T
        total += np.exp(-np.maximum(squared, 0) / (2 * a.shape[1])).sum()
    return float(total)
