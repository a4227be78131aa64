"""The Fréchet distance against closed forms and pytorch-fid's function, and its files."""

from pathlib import Path

import numpy as np
import pytest
from pytorch_fid.fid_score import calculate_frechet_distance

from vaematrix.common.errors import UserError
from vaematrix.metrics.frechet import Statistics, distance, load, save, statistics

MADE_BY = {"network": "a", "dims": 6, "weights_sha256": "00"}


def _gaussian(mean: np.ndarray, covariance: np.ndarray) -> Statistics:
    return Statistics(np.asarray(mean, float), np.asarray(covariance, float), 100, MADE_BY)


def _sample(count: int, dims: int, seed: int) -> Statistics:
    """Statistics of correlated features whose scales span two decades, as those of networks do."""
    mixing = np.random.default_rng(100 + seed).normal(size=(dims, dims)) / np.sqrt(dims)
    scales = np.logspace(0, -2, dims)
    return statistics(np.random.default_rng(seed).normal(size=(count, dims)) * scales @ mixing + 0.1 * seed, MADE_BY)


def test_equal_covariances_leave_the_squared_distance_of_the_means() -> None:
    mean, shift = np.arange(6.0), np.array([0.5, -1, 0, 2, 0, 0.1])
    covariance = _sample(50, 6, 0).covariance
    assert distance(_gaussian(mean, covariance), _gaussian(mean + shift, covariance)) == pytest.approx(5.26, rel=1e-12)


def test_diagonal_covariances_differ_by_their_standard_deviations() -> None:
    a, b = np.array([1.0, 4, 9, 0, 2]), np.array([4.0, 4, 1, 3, 0])
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert distance(_gaussian(np.zeros(5), np.diag(a)), _gaussian(np.zeros(5), np.diag(b))) == pytest.approx(expected)


def test_one_constant_image_leaves_the_mean_and_the_trace() -> None:
    """Σ₂ = 0: the mean face's statistics."""
    a = _sample(50, 6, 1)
    b = _gaussian(np.zeros(6), np.zeros((6, 6)))
    assert distance(a, b) == pytest.approx(a.mean @ a.mean + np.trace(a.covariance), rel=1e-12)


@pytest.mark.parametrize(("count", "tolerance"), [(2000, 1e-6), (20, 1e-4)], ids=["full rank", "singular"])
def test_equals_pytorch_fid(count: int, tolerance: float) -> None:
    a, b = _sample(count, 64, 1), _sample(count, 64, 2)
    theirs = calculate_frechet_distance(a.mean, a.covariance, b.mean, b.covariance)
    assert distance(a, b) == pytest.approx(theirs, rel=tolerance)


def test_singular_covariances_by_their_factors() -> None:
    """With Σ = FFᵀ the trace of (Σ₁Σ₂)^½ is the sum of the singular values of F₁ᵀF₂."""
    f1, f2 = np.random.default_rng(0).normal(size=(2, 300, 12))
    expected = (f1**2).sum() + (f2**2).sum() - 2 * np.linalg.svd(f1.T @ f2, compute_uv=False).sum()
    found = distance(_gaussian(np.zeros(300), f1 @ f1.T), _gaussian(np.zeros(300), f2 @ f2.T))
    assert found == pytest.approx(expected, rel=1e-6)


def test_is_symmetric_and_nothing_from_itself() -> None:
    a, b = _sample(200, 32, 1), _sample(200, 32, 2)
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9)
    assert distance(a, a) == pytest.approx(0, abs=1e-9 * np.trace(a.covariance))


def test_statistics_are_float64_whatever_the_features() -> None:
    features = (1000 + np.random.default_rng(0).normal(size=(500, 4))).astype(np.float32)
    made = statistics(features, MADE_BY)
    wide = features.astype(np.float64)
    np.testing.assert_allclose(made.mean, wide.sum(axis=0) / 500, rtol=1e-13)
    np.testing.assert_allclose(made.covariance, (wide - made.mean).T @ (wide - made.mean) / 499, rtol=1e-9, atol=1e-12)
    assert made.count == 500


def test_statistics_need_two_finite_rows() -> None:
    with pytest.raises(ValueError, match="at least two"):
        statistics(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="finite"):
        statistics(np.array([[0, np.nan], [0, 1]]))


def test_file_keeps_everything_and_is_the_same_each_time(tmp_path: Path) -> None:
    a = _sample(50, 6, 3)
    save(tmp_path / "a.npz", a)
    save(tmp_path / "again.npz", a)
    back = load(tmp_path / "a.npz")
    assert (back.mean == a.mean).all()
    assert (back.covariance == a.covariance).all()
    assert (back.count, back.identity) == (50, MADE_BY)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_different_features_are_not_compared(tmp_path: Path) -> None:
    a = _sample(50, 6, 3)
    other = Statistics(a.mean, a.covariance, 50, {**MADE_BY, "weights_sha256": "11"})
    with pytest.raises(UserError, match=r"weights_sha256 00 against .*weights_sha256 11"):
        distance(a, other)
    save(tmp_path / "a.npz", a)
    with pytest.raises(UserError, match=r"a\.npz: made with network a.*not with network b"):
        load(tmp_path / "a.npz", {"network": "b"})


def test_a_file_that_does_not_say_its_origin_is_told_it(tmp_path: Path) -> None:
    """The pytorch-fid program writes mu and sigma alone."""
    a = _sample(50, 6, 3)
    np.savez_compressed(tmp_path / "theirs.npz", mu=a.mean, sigma=a.covariance)
    unknown = load(tmp_path / "theirs.npz")
    assert (unknown.count, unknown.identity) == (None, None)
    with pytest.raises(UserError, match="unknown origin"):
        distance(a, unknown)
    assert distance(a, load(tmp_path / "theirs.npz", MADE_BY)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("content", [b"", b"<html>quota</html>", None], ids=["empty", "HTML", "no sigma"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.npz"
    if content is None:
        np.savez(path, mu=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.npz: not an \.npz"):
        load(path)
    with pytest.raises(UserError, match=r"absent\.npz: no such file"):
        load(tmp_path / "absent.npz")
