"""Kernel distance, precision, recall, density and coverage against loops over pairs and closed forms."""

import numpy as np
import pytest
import torch
from sklearn.metrics import pairwise_distances

from vaematrix.metrics import kernel_distance as kid
from vaematrix.metrics import neighbours as balls
from vaematrix.metrics.kernel_distance import kernel_distance
from vaematrix.metrics.neighbours import neighbours


def features(count: int, dims: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, dims)) + shift).astype(np.float32)


def test_the_kernel_distance_is_the_sum_over_pairs() -> None:
    a, b = features(7, 3, 0), features(7, 3, 1, 0.4)

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x.astype(float) @ y.astype(float)) / 3 + 1) ** 3

    pairs = [(i, j) for i in range(7) for j in range(7)]
    within = sum(k(z[i], z[j]) for z in (a, b) for i, j in pairs if i != j) / 42
    expected = within - 2 * sum(k(a[i], b[j]) for i, j in pairs) / 49
    found = kid._mmd_squared(*(torch.from_numpy(z).double() for z in (a, b)))
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_kernel_distance_is_unbiased_however_few_the_images() -> None:
    """In one dimension (xy + 1)³ = Σ C(3, j) xʲyʲ, so that MMD² = Σ C(3, j) (E xʲ - E yʲ)²: 3.578125 here."""
    expected = 3 * 0.5**2 + 3 * (1.25 - 1) ** 2 + 1.625**2
    for shift, truth in ((0.5, expected), (0.0, 0.0)):
        a = np.random.default_rng(0).normal(size=(4000, 10, 1)) + shift
        b = np.random.default_rng(1).normal(size=(4000, 10, 1))
        found = [kid._mmd_squared(torch.from_numpy(x), torch.from_numpy(y)) for x, y in zip(a, b, strict=True)]
        assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / np.sqrt(len(found)))


def test_subsets_have_a_thousand_images_or_half_of_the_smaller_set() -> None:
    assert kernel_distance(features(2100, 2, 0), features(2100, 2, 1), seed=0, subsets=2).subset_size == 1000
    assert kernel_distance(features(2100, 2, 0), features(60, 2, 1), seed=0, subsets=2).subset_size == 30
    with pytest.raises(ValueError, match="at least 4"):
        kernel_distance(features(3, 2, 0), features(60, 2, 1), seed=0)


def test_mean_and_sd_are_over_the_subsets() -> None:
    """A set whose halves are equal has the same value in each subset; sd is zero there and not elsewhere."""
    a, b = np.ones((40, 2), np.float32), np.zeros((40, 2), np.float32)
    same = kernel_distance(a, b, seed=0)
    assert same.mean == pytest.approx(2**3 + 1 - 2)
    assert same.subset_sd == pytest.approx(0, abs=1e-12)
    other = kernel_distance(features(40, 2, 0), features(40, 2, 1), seed=3)
    assert other.subset_sd > 0.01
    assert other == kernel_distance(features(40, 2, 0), features(40, 2, 1), seed=3)


@pytest.mark.parametrize("rows", [7, 1000])
def test_the_four_measures_by_their_definitions(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balls, "_ROWS_AT_ONCE", rows)
    made, real = features(40, 4, 0, 0.6), features(55, 4, 1)
    across = pairwise_distances(made.astype(float), real.astype(float))

    def radius(of: np.ndarray, k: int) -> list[float]:
        within = pairwise_distances(of.astype(float))
        return [sorted(np.delete(row, index))[k - 1] for index, row in enumerate(within)]

    real_3, real_5, made_3 = radius(real, 3), radius(real, 5), radius(made, 3)
    inside = [[across[i, j] <= real_5[j] for j in range(55)] for i in range(40)]
    found = neighbours(made, real)
    assert found.precision == np.mean([any(across[i, j] <= real_3[j] for j in range(55)) for i in range(40)])
    assert found.recall == pytest.approx(
        np.mean([any(across[i, j] <= made_3[i] for i in range(40)) for j in range(55)])
    )
    assert found.density == pytest.approx(sum(map(sum, inside)) / (5 * 40))
    assert found.coverage == pytest.approx(np.mean([any(inside[i][j] for i in range(40)) for j in range(55)]))
    assert all(0.05 < value < 0.95 for value in found), "no measure is at an end, where a mistake would not show"


def test_equal_sets_are_inside_each_other_and_distant_ones_outside() -> None:
    real = features(50, 4, 0)
    assert neighbours(real, real)[:2] == (1, 1)
    assert neighbours(real, real).coverage == 1
    assert neighbours(real + 100, real) == (0, 0, 0, 0)


def test_samples_of_one_mode_are_precise_and_recall_little() -> None:
    """Half of the reference is far from every sample."""
    real = np.concatenate([features(100, 3, 0), features(100, 3, 1, 50)])
    found = neighbours(features(100, 3, 2), real)
    assert found.precision > 0.9
    assert 0.35 < found.recall < 0.5
    assert found.coverage <= 0.5


def test_as_many_features_are_needed_as_neighbours() -> None:
    with pytest.raises(ValueError, match="5 neighbours"):
        neighbours(features(5, 3, 0), features(50, 3, 1))
