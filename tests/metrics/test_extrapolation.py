"""The distance at endless samples: of Gaussians whose distance is known, from a reference that may be finite."""

import numpy as np
import pytest
from pytorch_fid.fid_score import calculate_frechet_distance

from vaematrix.metrics import extrapolation
from vaematrix.metrics.extrapolation import enough, extrapolate
from vaematrix.metrics.frechet import Statistics, distance, statistics

DIMS, COUNT, REPLICATES = 12, 120, 400


def known_distance() -> tuple[Statistics, np.ndarray, np.ndarray, float]:
    """A reference, the mean and the standard deviations of what is sampled, and the distance between the two.

    Diagonal covariances: d² = Σ (μ₁ - μ₂)² + (σ₁ - σ₂)², with a spectrum that falls like that of features.
    """
    deviations = np.arange(1, DIMS + 1) ** -0.5
    mean, other = np.full(DIMS, 0.1), deviations * np.linspace(0.7, 1.4, DIMS)
    reference = Statistics(np.zeros(DIMS), np.diag(other**2), 1000, {"network": "a"})
    return reference, mean, deviations, float((mean**2).sum() + ((deviations - other) ** 2).sum())


def samples(seed: int, mean: np.ndarray, deviations: np.ndarray, count: int = COUNT) -> np.ndarray:
    return mean + deviations * np.random.default_rng(seed).normal(size=(count, DIMS))


def test_the_intervals_hold_the_known_distance_as_often_as_they_say() -> None:
    reference, mean, deviations, known = known_distance()
    found = [
        extrapolate(samples(seed, mean, deviations), reference, confidence=0.9, seed=seed) for seed in range(REPLICATES)
    ]
    covered = np.mean([one.low <= known <= one.high for one in found])
    assert abs(covered - 0.9) < 4 * np.sqrt(0.9 * 0.1 / REPLICATES)
    plain, extrapolated = np.mean([(one.points[-1].distance, one.value) for one in found], axis=0)
    assert plain > 1.25 * known, "the distance of 120 samples is biased, or this shows nothing"
    assert abs(extrapolated - known) < 0.1 * (plain - known)


@pytest.mark.parametrize("samples_a_dimension", [4, 10])
def test_the_intervals_are_about_the_images_of_the_reference_and_no_others(samples_a_dimension: int) -> None:
    """60 images are a biased reference: what endless samples tend to is the distance to their own statistics."""
    of_all, mean, deviations, to_all = known_distance()
    sixty = np.sqrt(np.diag(of_all.covariance)) * np.random.default_rng(1).normal(size=(60, DIMS))
    reference = statistics(sixty)
    covariance = np.cov(sixty, rowvar=False)
    known = calculate_frechet_distance(mean, np.diag(deviations**2), sixty.mean(axis=0), covariance)
    count = samples_a_dimension * DIMS
    found = [
        extrapolate(samples(seed, mean, deviations, count), reference, confidence=0.9, seed=seed)
        for seed in range(REPLICATES)
    ]
    shares = [np.mean([one.low <= truth <= one.high for one in found]) for truth in (known, to_all)]
    assert shares[1] < shares[0] - 0.2, "the distance to all images is another, or this shows nothing"
    assert shares[0] > 0.9 - 4 * np.sqrt(0.9 * 0.1 / REPLICATES)
    assert np.mean([one.value for one in found]) == pytest.approx(known, rel=0.1)


def test_the_line_is_exact_where_the_distance_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extrapolation, "_distance", lambda shifted, *_: 3.5 + 40 / len(shifted))
    for count in (200, 201):  # halves of an odd number leave one sample out
        found = extrapolate(
            np.random.default_rng(0).normal(size=(count, DIMS)), known_distance()[0], confidence=0.95, seed=0
        )
        assert found.value == pytest.approx(3.5, rel=1e-12)
        assert found.low == found.high == pytest.approx(3.5)


def test_the_points_are_the_distances_of_disjoint_subsets() -> None:
    reference, mean, deviations, _ = known_distance()
    made = samples(1, mean, deviations)
    found = extrapolate(made, reference, confidence=0.95, seed=7)
    assert [(point.count, point.subsets) for point in found.points] == [(12, 10), (24, 5), (40, 3), (60, 2), (120, 1)]
    assert found.points[-1].distance == pytest.approx(distance(statistics(made, reference.identity), reference))
    order = np.random.default_rng(7).permutation(COUNT)
    halves = [statistics(made[part], reference.identity) for part in (order[:60], order[60:])]
    assert found.points[-2].distance == pytest.approx(np.mean([distance(half, reference) for half in halves]))
    assert found.low < found.value < found.high


def test_two_counts_miss_by_less_than_all_where_the_distance_bends() -> None:
    """White features, five times as many samples as dimensions: the worst case for a straight line."""
    reference = Statistics(np.zeros(32), 1.5**2 * np.eye(32), 1000, None)
    known = 32 * 0.5**2
    misses = []
    for seed in range(20):
        made = np.random.default_rng(seed).normal(size=(160, 32))
        found = extrapolate(made, reference, confidence=0.95, seed=seed)
        counts, distances = np.array([(1 / point.count, point.distance) for point in found.points]).T
        misses.append([found.value - known, np.polyfit(counts, distances, 1)[1] - known])
    by_two, by_all = np.abs(np.mean(misses, axis=0))
    assert by_two < by_all / 4


def test_four_samples_a_dimension_are_needed() -> None:
    assert not enough(39, 10)
    assert enough(40, 10)
    with pytest.raises(ValueError, match="too few"):
        extrapolate(np.zeros((39, 10)), known_distance()[0], confidence=0.95, seed=0)
