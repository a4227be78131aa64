"""How sure a mean over images is."""

import numpy as np

_DRAWS_AT_ONCE = 2_000_000  # 32 MB: the resampled indices and values held at one time


def mean_interval(values: np.ndarray, *, resamples: int, confidence: float, seed: int) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean (Efron 1979).

    It speaks of the images drawn, not of the training: other seeds of a model may lie outside.

    Args:
        values: one value an image, [n], n >= 2, finite.
        resamples: how often n images are drawn with replacement, e.g. 1000.
        confidence: share of the resampled means inside the interval, e.g. 0.95.
        seed: the draws depend on it and on n alone.

    Returns:
        Low and high end.
    """
    from scipy.stats import bootstrap  # 0.7 s, which a mere look at the metrics' labels should not cost

    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("an interval of the mean needs at least two finite values in one dimension")
    result = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _DRAWS_AT_ONCE // len(values)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
