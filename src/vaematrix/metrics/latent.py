"""What a model's latent does: how many nats and units carry the images, and how far the codes lie from the prior.

Everything is of the posteriors q(z | x) = N(mean, variance) of the evaluation split.
"""

import numpy as np

ACTIVE = 0.01  # Burda et al., 2016
_ROWS_AT_ONCE = 1000


def kl_per_unit(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The KL from N(0, 1) in nats, ½(μ² + σ² - 1 - ln σ²), averaged over the images. Two [n, d] to float64 [d]."""
    mean, variance = mean.astype(np.float64), variance.astype(np.float64)
    return 0.5 * (mean**2 + variance - 1 - np.log(variance)).mean(axis=0)


def activity(mean: np.ndarray) -> np.ndarray:
    """Var_x(E[z | x]), float64 [d]: a unit above :data:`ACTIVE` is an active one (Burda et al., 2016, section 5.3)."""
    return mean.var(axis=0, ddof=1, dtype=np.float64)


def draw_codes(mean: np.ndarray, variance: np.ndarray, seed: int) -> np.ndarray:
    """One z ~ q(z | x) for each image, float64 [n, d]: draws from the aggregated posterior."""
    return mean + np.sqrt(variance, dtype=np.float64) * np.random.default_rng(seed).standard_normal(mean.shape)


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
