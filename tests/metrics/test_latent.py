"""Latent measures against torch's distributions and closed forms."""

import numpy as np
import pytest
import torch

from vaematrix.metrics import entries, latent
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.latent import (
    Aggregated,
    activity,
    aggregated,
    draw_codes,
    far_from_prior,
    kl_per_unit,
    mmd_to_prior,
)


def test_the_kl_of_each_unit_is_torchs() -> None:
    rng = np.random.default_rng(0)
    mean, variance = rng.normal(size=(50, 6)).astype(np.float32), rng.uniform(0.01, 2, (50, 6)).astype(np.float32)
    posterior = torch.distributions.Normal(torch.from_numpy(mean), torch.from_numpy(variance).sqrt())
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).mean(0)
    np.testing.assert_allclose(kl_per_unit(mean, variance), expected, rtol=1e-4)


def test_units_whose_mean_varies_are_active() -> None:
    mean = np.array([[0.0, 1, 5, -0.05], [0.3, 1, 5, 0.05], [-0.3, 1, 5, 0.0]])
    np.testing.assert_allclose(activity(mean), [0.09, 0, 0, 0.0025])


def test_codes_are_drawn_from_each_posterior() -> None:
    mean, variance = np.array([[3.0, -1.0]]), np.array([[0.25, 4.0]], np.float32)
    codes = draw_codes(np.repeat(mean, 40_000, axis=0), np.repeat(variance, 40_000, axis=0), seed=0)
    np.testing.assert_allclose(codes.mean(0), mean[0], atol=0.05)
    np.testing.assert_allclose(codes.var(0), variance[0], rtol=0.05)
    assert (codes[0] == draw_codes(mean, variance, seed=0)[0]).all()


def mmd_of_gaussian(dim: int, shift: float, variance: float) -> float:
    """MMD² of N(shift, variance·I) and N(0, I) by Gaussian integrals; kernel exp(-‖d‖²/(2·dim))."""

    def expectation(spread: float, distance: float) -> float:
        return (dim / (dim + spread)) ** (dim / 2) * np.exp(-distance / (2 * (dim + spread)))

    return expectation(2 * variance, 0) + expectation(2, 0) - 2 * expectation(1 + variance, dim * shift**2)


@pytest.mark.parametrize(("shift", "variance"), [(0.0, 1.0), (0.3, 1.0), (0.0, 2.8), (0.1, 0.25)])
def test_the_mmd_is_unbiased_and_notices_shift_and_scale(shift: float, variance: float) -> None:
    rng = np.random.default_rng(1)
    found = [mmd_to_prior(shift + np.sqrt(variance) * rng.normal(size=(60, 8))) for _ in range(300)]
    error = np.std(found) / np.sqrt(len(found))
    expected = mmd_of_gaussian(8, shift, variance)
    assert np.mean(found) == pytest.approx(expected, abs=4 * error)
    assert expected == pytest.approx(0, abs=1e-12) if (shift, variance) == (0, 1) else expected > 8 * error


def test_the_mmd_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(2).normal(size=(50, 5))
    whole = mmd_to_prior(codes)
    monkeypatch.setattr(latent, "_ROWS_AT_ONCE", 7)
    assert mmd_to_prior(codes) == pytest.approx(whole, rel=1e-9)


def test_the_aggregated_posterior_by_hand() -> None:
    """Four codes of three units: the second is twice the first moved by one, the third is uncorrelated with both."""
    codes = np.array([[1.0, 3.0, -1.0], [-1.0, -1.0, -1.0], [1.0, 3.0, 1.0], [-1.0, -1.0, 1.0]])
    found = aggregated(codes)
    assert found.variance == pytest.approx((4 / 3 + 16 / 3 + 4 / 3) / 3)
    assert found.mean == pytest.approx((0 + 1 + 0) / 3)
    assert found.correlation == pytest.approx((1 + 0 + 0) / 3)
    assert found.largest_correlation == pytest.approx(1)


def test_correlations_are_numpys_and_those_of_nothing_are_zero() -> None:
    rng = np.random.default_rng(3)
    codes = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6))
    pairs = np.abs(np.corrcoef(codes, rowvar=False)[np.triu_indices(6, k=1)])
    found = aggregated(codes)
    assert (found.correlation, found.largest_correlation) == pytest.approx((pairs.mean(), pairs.max()))
    assert aggregated(codes[:, :1])[2:] == (0, 0)
    codes[:, 0] = 7
    assert 0 < aggregated(codes).correlation < 1


@pytest.mark.parametrize(("count", "latent"), [(20, 64), (800, 64), (5000, 2)])
def test_draws_from_the_prior_lie_near_it_however_few(count: int, latent: int) -> None:
    assert far_from_prior(aggregated(np.random.default_rng(0).normal(size=(count, latent))), count) == []


def test_what_lies_far_is_named() -> None:
    """The first as the calibrated models of 600 steps on real faces were."""
    (variance, mean, correlation) = far_from_prior(Aggregated(3.2, 0.5, 0.2, 0.9), 2000)
    assert "variance is 3.20" in variance
    assert "|mean| is 0.50" in mean
    assert "|correlation| is 0.20" in correlation
    assert len(far_from_prior(Aggregated(0.6, 0.0, 0.0, 0.0), 2000)) == 1
    assert not far_from_prior(Aggregated(1.4, 0.2, 0.08, 0.9), 2000)


def test_a_prior_of_draws_is_the_known_one_where_it_is_standard_normal() -> None:
    """The same figures, but for the chance in the draws."""
    rng = np.random.default_rng(7)
    mean, variance = rng.normal(size=(3000, 4)), np.full((3000, 4), 0.2)
    prior = latent.LearnedPrior(
        {"kind": "flow"}, rng.normal(size=(3000, 4)), kl_per_unit(mean, variance).sum() * np.ones(3000)
    )
    known, drawn = Measured(), Measured()
    entries.measure_latent(known, mean, variance)
    entries.measure_latent(drawn, mean, variance, prior)
    for key, entry in known.entries.items():
        assert drawn.entries[key].value == pytest.approx(entry.value, rel=0.1, abs=0.05), key
        assert entry.protocol["prior"] == "N(0, I)"
        assert drawn.entries[key].protocol["prior"] == {"kind": "flow"}
    assert not known.warnings
    assert not drawn.warnings


def test_codes_that_lie_where_a_learned_prior_lies_are_near_it_wherever_that_is() -> None:
    """Shifted, scaled and correlated: far from N(0, I), and with no warning beside their own prior."""
    rng = np.random.default_rng(7)
    turn = np.array([[3.0, 0.0], [2.5, 1.0]])
    codes, draws = (rng.normal(size=(4000, 2)) @ turn.T + 5 for _ in range(2))
    small = np.full(codes.shape, 1e-4)
    prior = latent.LearnedPrior({"kind": "mixture", "components": 1}, draws, np.full(4000, 3.0))
    far, near = Measured(), Measured()
    entries.measure_latent(far, codes, small)
    entries.measure_latent(near, codes, small, prior)
    assert far.warnings
    assert not near.warnings
    assert near.entries["kl"].value == 3
    assert near.entries["codes_variance"].value == pytest.approx(1, abs=0.1)
    assert near.entries["codes_mean"].value == pytest.approx(0, abs=0.05)
    assert near.entries["codes_correlation"].value == pytest.approx(0, abs=0.03)
    assert abs(near.entries["mmd_to_prior"].value) < 1e-3 < far.entries["mmd_to_prior"].value


def test_the_mmd_to_draws_is_the_unbiased_estimate_written_as_loops() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(4, 2)) + 1

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-((x - y) ** 2).sum() / 4))

    within = [np.mean([kernel(x, y) for i, x in enumerate(of) for j, y in enumerate(of) if i != j]) for of in (a, b)]
    between = np.mean([kernel(x, y) for x in a for y in b])
    assert latent.mmd_to_draws(a, b) == pytest.approx(sum(within) - 2 * between)
