"""What a model's latent does: how many nats and units carry the images, and how far the codes lie from the prior.

Everything is of the posteriors q(z | x) = N(mean, variance) of the evaluation split.
"""

from typing import NamedTuple

import numpy as np

ACTIVE = 0.01  # Burda et al., 2016
# How far q(z) may lie from N(0, I) before a draw from the prior is no code that the decoder knows. For 64 units:
MOST_VARIANCE = 1.5  # or 1/1.5: ‖z‖² is 64 ± 11 under the prior and 96 ± 17 at 1.5 times the variance
MOST_MEAN = 0.25  # shifts all codes by 0.25·√64 = 2 standard deviations of the prior
MOST_CORRELATION = 0.1  # where the units share one factor, its direction has 1 + 63·0.1 = 7 times the prior's variance
_ROWS_AT_ONCE = 1000


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


def aggregated(codes: np.ndarray) -> Aggregated:
    """What :class:`Aggregated` says. Args: codes: [n, dim] drawn from q(z | x), n >= 2, not the posteriors' means."""
    deviations = codes.std(axis=0, ddof=1)
    # A unit that never changes is correlated with nothing.
    standardised = (codes - codes.mean(axis=0)) / np.where(deviations > 0, deviations, 1)
    pairs = np.triu_indices(codes.shape[1], k=1)
    correlations = np.abs(standardised.T @ standardised / (len(codes) - 1))[pairs]
    return Aggregated(
        float((deviations**2).mean()),
        float(np.abs(codes.mean(axis=0)).mean()),
        float(correlations.mean()) if len(correlations) else 0.0,
        float(correlations.max(initial=0)),
    )


def far_from_prior(of: Aggregated, count: int) -> list[str]:
    """In words, each way in which q(z) lies far from N(0, I); none where it lies near.

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
    n, dim = codes.shape
    norms = (codes**2).sum(axis=1)
    within = 0.0
    for start in range(0, n, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        squared = norms[rows, None] + norms - 2 * codes[rows] @ codes.T
        within += np.exp(-np.maximum(squared, 0) / (2 * dim)).sum()
    between = (dim / (dim + 1)) ** (dim / 2) * np.exp(-norms / (2 * (dim + 1))).mean()
    return float((within - n) / (n * (n - 1)) - 2 * between + (dim / (dim + 2)) ** (dim / 2))
