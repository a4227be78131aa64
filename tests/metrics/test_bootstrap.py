"""The bootstrap interval of the mean."""

import tracemalloc

import numpy as np
import pytest

from vaematrix.metrics.bootstrap import mean_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_covers_the_known_mean_as_often_as_it_says(confidence: float) -> None:
    generator = np.random.default_rng(0)
    repeats, hits = 400, 0
    for seed in range(repeats):
        low, high = mean_interval(generator.gamma(4, size=200), resamples=300, confidence=confidence, seed=seed)
        hits += low <= 4 <= high
    # Three standard deviations of a binomial count, and one point for the percentile method's slight optimism.
    assert abs(hits / repeats - confidence) < 3 * np.sqrt(confidence * (1 - confidence) / repeats) + 0.01


def test_is_as_wide_as_the_central_limit_theorem_has_it() -> None:
    values = np.random.default_rng(1).normal(5, 2, 20_000)
    tracemalloc.start()
    low, high = mean_interval(values, resamples=1000, confidence=0.95, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(len(values)), rel=0.1)
    assert low < values.mean() < high
    assert peak < 100e6  # all resamples at one time would be 320 MB


def test_depends_on_the_seed_alone() -> None:
    values = np.random.default_rng(2).normal(size=50)
    first = mean_interval(values, resamples=100, confidence=0.9, seed=1)
    np.random.seed(3)  # noqa: NPY002 - the global state must not matter
    assert mean_interval(values, resamples=100, confidence=0.9, seed=1) == first
    assert mean_interval(values, resamples=100, confidence=0.9, seed=2) != first


def test_equal_values_leave_no_doubt() -> None:
    assert mean_interval(np.full(9, 0.25), resamples=50, confidence=0.95, seed=0) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_what_has_no_interval_is_refused(values: list) -> None:
    with pytest.raises(ValueError, match="at least two finite values"):
        mean_interval(np.array(values), resamples=10, confidence=0.9, seed=0)
