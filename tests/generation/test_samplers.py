"""Where sampled codes come from: against the known law that they should follow."""

import warnings
from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from vaematrix.generation.samplers import FEWEST_CODES, SAMPLERS, MixtureSampler, PriorSampler

# Three modes far apart, so that each code's own mode is the nearest, and one narrow ellipse across the axes.
WEIGHTS = np.array([0.5, 0.3, 0.2])
CENTRES = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
COVARIANCES = np.array([[[1.0, 0.9], [0.9, 1.0]], [[4.0, 0.0], [0.0, 0.25]], [[0.5, -0.3], [-0.3, 1.0]]])


def modes(codes: np.ndarray) -> np.ndarray:
    """The nearest centre of each code, int [n]."""
    return np.linalg.norm(codes[:, None] - CENTRES, axis=2).argmin(1)


def known_codes(count: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(3)
    chosen = rng.choice(3, size=count, p=WEIGHTS)
    noise = np.einsum("nij,nj->ni", np.linalg.cholesky(COVARIANCES)[chosen], rng.standard_normal((count, 2)))
    return (CENTRES[chosen] + noise).astype(np.float32)


@pytest.fixture(scope="module")
def mixture() -> MixtureSampler:
    sampler = MixtureSampler(2)
    sampler.fit(known_codes())
    return sampler


def test_the_prior_is_standard_normal() -> None:
    n, latent = 20_000, 4
    codes = PriorSampler(latent).draw(n, 7)
    assert codes.shape == (n, latent)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes.mean(0), 0, atol=5 / np.sqrt(n))
    np.testing.assert_allclose(codes.var(0), 1, atol=5 * np.sqrt(2 / n))
    np.testing.assert_allclose(np.corrcoef(codes.T), np.eye(latent), atol=5 / np.sqrt(n))
    assert stats.kstest(codes.ravel(), "norm").pvalue > 1e-3


def test_the_prior_learns_nothing() -> None:
    fitted = PriorSampler(2)
    fitted.fit(known_codes())
    np.testing.assert_array_equal(fitted.draw(9, 0), PriorSampler(2).draw(9, 0))
    assert fitted.about == {}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_fewest_codes_that_a_sampler_asks_for_are_the_fewest(name: str) -> None:
    fewest = FEWEST_CODES[name]
    SAMPLERS[name](2).fit(known_codes(fewest))
    if fewest > 1:
        with pytest.raises(ValueError, match=f"n_samples = {fewest - 1}"):
            SAMPLERS[name](2).fit(known_codes(fewest - 1))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_names_its_codes(name: str) -> None:
    draws = []
    for _ in range(2):  # two objects, and two draws of each
        sampler = SAMPLERS[name](2)
        sampler.fit(known_codes(100))
        draws += [sampler.draw(50, 5), sampler.draw(50, 5)]
    for again in draws[1:]:
        np.testing.assert_array_equal(again, draws[0])
    other = sampler.draw(50, 6)
    assert other.shape == draws[0].shape == (50, 2)
    assert other.dtype == draws[0].dtype == np.float32
    assert len(np.unique(np.concatenate([draws[0], other]), axis=0)) == 100, "a seed repeats another's codes"


def test_the_mixture_recovers_a_known_one(mixture: MixtureSampler) -> None:
    drawn, truth = mixture.draw(20_000, 1), known_codes()
    mode, true_mode = modes(drawn), modes(truth)
    for number in range(3):
        mine, theirs = drawn[mode == number], truth[true_mode == number]
        # What the fit could know is the sample of 3,000, whose own error is the larger one.
        n, sd = len(theirs), np.sqrt(np.diagonal(COVARIANCES[number]))
        assert len(mine) / len(drawn) == pytest.approx(WEIGHTS[number], abs=5 * np.sqrt(0.25 / len(truth)))
        np.testing.assert_array_less(np.abs(mine.mean(0) - CENTRES[number]), 5 * sd / np.sqrt(n))
        error = 5 * np.sqrt(2 / n) * np.outer(sd, sd)
        np.testing.assert_array_less(np.abs(np.cov(mine.T) - COVARIANCES[number]), error)


def test_the_mixture_leaves_the_gaps_between_modes_empty(mixture: MixtureSampler) -> None:
    """One Gaussian with the right mean and covariance would put most of its codes there."""
    drawn = mixture.draw(5000, 2)
    distance = np.linalg.norm(drawn - CENTRES[modes(drawn)], axis=1)
    assert np.quantile(distance, 0.999) < 5 * 2  # 2 is the largest standard deviation of a mode
    lone = np.random.default_rng(0).multivariate_normal(drawn.mean(0), np.cov(drawn.T), 5000)
    assert np.median(np.linalg.norm(lone - CENTRES[modes(lone)], axis=1)) > 5, "the modes are too near for this test"


def test_the_mixtures_codes_are_shuffled(mixture: MixtureSampler) -> None:
    """scikit-learn draws component by component; in blocks, the first images would all be of one kind."""
    mode = modes(mixture.draw(3000, 3))
    changes = int((mode[1:] != mode[:-1]).sum())
    share = 1 - (WEIGHTS**2).sum()  # of neighbours that differ, when independent
    assert changes / (len(mode) - 1) == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / len(mode)) + 0.02)
    np.testing.assert_allclose(np.bincount(mode[:300], minlength=3) / 300, WEIGHTS, atol=5 * np.sqrt(0.25 / 300))


def test_the_mixture_says_what_was_fitted(mixture: MixtureSampler, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mixture.about["components"] == len(mixture.mixture.weights_) == 10
    assert mixture.about["converged"] is True
    monkeypatch.setattr("sklearn.mixture.GaussianMixture", partial(GaussianMixture, max_iter=2))
    hurried = MixtureSampler(2)
    with warnings.catch_warnings(action="error"):
        hurried.fit(known_codes(300))
    assert hurried.about["converged"] is False


def test_the_mixture_survives_a_collapsed_posterior() -> None:
    """A model that uses one latent dimension only has codes that are constant in all others."""
    codes = np.zeros((200, 6), np.float32)
    codes[:, 2] = np.random.default_rng(0).standard_normal(200)
    sampler = MixtureSampler(6)
    sampler.fit(codes)
    drawn = sampler.draw(2000, 0)
    assert np.isfinite(drawn).all()
    assert drawn[:, 2].std() == pytest.approx(codes[:, 2].std(), rel=0.1)
    assert np.abs(np.delete(drawn, 2, axis=1)).max() < 0.01
