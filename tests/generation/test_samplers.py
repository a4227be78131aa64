"""Where sampled codes come from: against known densities that they should follow."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from vaematrix.common.errors import Interrupted, UserError
from vaematrix.generation import samplers
from vaematrix.generation.posteriors import Posteriors, noise
from vaematrix.generation.sampler import Fit, Place, Sampler

NONE = Place()
# What two dimensions and a test's patience need.
OPTIONS: dict[str, dict[str, Any]] = {
    "gaussian": {},
    "gmm": {},
    "flow": {"width": 32, "epochs": 25, "learning_rate": 5e-3},
    "diffusion": {"width": 64, "epochs": 60, "learning_rate": 3e-3},
}
NETWORKS = ("flow", "diffusion")


def sampler(name: str) -> Sampler:
    return samplers.create(name, OPTIONS[name])


def exact(codes: np.ndarray, labels: np.ndarray | None = None) -> Posteriors:
    """Posteriors without width: what is drawn from them is known."""
    labels = np.empty((len(codes), 0), bool) if labels is None else labels
    return Posteriors(codes.astype(np.float32), np.zeros_like(codes, np.float32), labels)


@dataclass(frozen=True)
class Mixture:
    """Gaussians with the weights, means [c, 2] and covariances [c, 2, 2]."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def draw(self, count: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weights), size=count, p=self.weights)
        factors = np.linalg.cholesky(self.covariances)[chosen]
        return self.means[chosen] + np.einsum("nij,nj->ni", factors, rng.standard_normal((count, 2)))

    def log_density(self, codes: np.ndarray) -> np.ndarray:
        parts = [
            np.log(weight) + stats.multivariate_normal(mean, covariance).logpdf(codes)
            for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True)
        ]
        return np.logaddexp.reduce(parts)


class Ring:
    """Radius N(3, 0.3²), every direction alike: no Gaussian is near it."""

    def draw(self, count: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        radius, angle = 3 + 0.3 * rng.standard_normal(count), rng.uniform(0, 2 * np.pi, count)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def log_density(self, codes: np.ndarray) -> np.ndarray:
        radius = np.linalg.norm(codes, axis=1)
        return stats.norm(3, 0.3).logpdf(radius) - np.log(2 * np.pi * radius)


ELLIPSE = Mixture(np.ones(1), np.array([[5.0, -3.0]]), np.array([[[4.0, 1.8], [1.8, 1.0]]]))
# One Gaussian for it has 0.64 nats less.
MODES = Mixture(
    np.array([0.5, 0.3, 0.2]),
    np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 6.0]]),
    np.array([[[1.0, 0.9], [0.9, 1.0]], [[1.0, 0.0], [0.0, 0.25]], [[0.5, -0.3], [-0.3, 1.0]]]),
)
KNOWN: dict[str, Any] = {"ellipse": ELLIPSE, "modes": MODES, "ring": Ring()}
# Nats that a fit on 4,000 codes may miss; a ring is no mixture of ten Gaussians, nor what coupling layers can close.
MISSED = {
    ("gaussian", "ellipse"): 0.02,
    ("gmm", "ellipse"): 0.03,
    ("gmm", "modes"): 0.05,
    ("gmm", "ring"): 0.15,
    ("flow", "ellipse"): 0.05,
    ("flow", "modes"): 0.15,
    ("flow", "ring"): 0.3,
    ("diffusion", "ellipse"): 0.05,
    ("diffusion", "modes"): 0.1,
    ("diffusion", "ring"): 0.15,
}


@cache
def fitted(name: str, known: str) -> Fit:
    return sampler(name).fit(exact(KNOWN[known].draw(4000, 0)), NONE)


def unlabelled(count: int) -> np.ndarray:
    return np.empty((count, 0), bool)


@pytest.mark.parametrize(("name", "known"), MISSED)
def test_the_log_density_is_the_known_one(name: str, known: str) -> None:
    """Of fresh codes: what a sampler leaves out, it gives no density."""
    codes = KNOWN[known].draw(2000, 1)
    found = sampler(name).log_density(fitted(name, known).state, codes, unlabelled(2000))
    assert found.shape == (2000,)
    assert found.dtype == np.float64
    assert found.mean() == pytest.approx(KNOWN[known].log_density(codes).mean(), abs=MISSED[name, known])


@pytest.mark.parametrize(("name", "known"), MISSED)
def test_draws_lie_where_the_known_density_is(name: str, known: str) -> None:
    drawn = sampler(name).draw(fitted(name, known).state, unlabelled(4000), 2)
    truth = KNOWN[known].draw(4000, 3)
    assert drawn.shape == truth.shape
    assert drawn.dtype == np.float32
    density = KNOWN[known].log_density
    # Between modes, and inside of the ring, the known density is many nats lower.
    assert np.median(density(drawn)) == pytest.approx(np.median(density(truth)), abs=MISSED[name, known] + 0.1)
    for axis in range(2):
        assert stats.ks_2samp(drawn[:, axis], truth[:, axis]).statistic < 0.08


def test_one_gaussian_is_not_what_these_densities_are() -> None:
    for known in ("modes", "ring"):
        codes = KNOWN[known].draw(4000, 1)
        state = sampler("gaussian").fit(exact(codes), NONE).state
        missed = KNOWN[known].log_density(codes) - sampler("gaussian").log_density(state, codes, unlabelled(4000))
        assert missed.mean() > 0.5


@pytest.mark.parametrize("name", OPTIONS)
def test_a_conditional_pair_is_told_apart(name: str) -> None:
    """z|y lies at (-2, 0) or at (2, 1), one ellipse for both."""
    covariance = np.array([[1.0, 0.6], [0.6, 0.5]])
    rng = np.random.default_rng(0)
    labels = rng.random((4000, 1)) < 0.3
    law = {label: stats.multivariate_normal(mean, covariance) for label, mean in ((False, (-2, 0)), (True, (2, 1)))}
    codes = np.where(labels, law[True].rvs(4000, 1), law[False].rvs(4000, 2))
    fit = sampler(name).fit(exact(codes, labels), NONE)
    for label in (False, True):
        told = np.full((4000, 1), label)
        drawn = sampler(name).draw(fit.state, told, 5)
        np.testing.assert_allclose(drawn.mean(0), law[label].mean, atol=0.15)
        np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.15)
        fresh = law[label].rvs(4000, 6)
        found = sampler(name).log_density(fit.state, fresh, told).mean()
        assert found == pytest.approx(law[label].logpdf(fresh).mean(), abs=0.06)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_learns_how_the_shape_depends_on_the_label(name: str) -> None:
    """Correlated one way with the attribute, the other way without: the mean is the same."""
    rng = np.random.default_rng(0)
    labels = rng.random((6000, 1)) < 0.5
    first = rng.standard_normal(6000)
    second = np.where(labels[:, 0], 0.9, -0.9) * first + np.sqrt(1 - 0.81) * rng.standard_normal(6000)
    fit = sampler(name).fit(exact(np.stack([first, second], axis=1), labels), NONE)
    for label, sign in ((True, 1), (False, -1)):
        drawn = sampler(name).draw(fit.state, np.full((4000, 1), label), 1)
        assert sign * np.corrcoef(drawn.T)[0, 1] > 0.8


@pytest.mark.parametrize("name", OPTIONS)
def test_codes_are_drawn_from_the_posteriors_and_no_means(name: str) -> None:
    means = 0.5 * noise(2000, 2, 4)
    posteriors = Posteriors(means, np.full_like(means, np.sqrt(0.75)), unlabelled(2000))
    drawn = sampler(name).draw(sampler(name).fit(posteriors, NONE).state, unlabelled(4000), 1)
    np.testing.assert_allclose(drawn.var(0), 1, atol=0.15)  # of the means alone it is 0.25


@pytest.mark.parametrize("name", OPTIONS)
def test_a_seed_names_its_codes(name: str) -> None:
    state = fitted(name, "ellipse").state
    first, again, other = (sampler(name).draw(state, unlabelled(50), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(np.concatenate([first, other]), axis=0)) == 100, "a seed repeats another's codes"


def test_the_mixtures_codes_are_shuffled() -> None:
    """scikit-learn draws component by component; in blocks, the first images would all be of one kind."""
    drawn = sampler("gmm").draw(fitted("gmm", "modes").state, unlabelled(3000), 3)
    mode = np.linalg.norm(drawn[:, None] - MODES.means, axis=2).argmin(1)
    np.testing.assert_allclose(np.bincount(mode[:300], minlength=3) / 300, MODES.weights, atol=0.15)


def test_a_protocol_says_what_was_fitted() -> None:
    assert fitted("gmm", "modes").about == {"converged": True}
    assert set(fitted("flow", "modes").about) == {"held_back", "epochs", "kept_epoch"}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_unit_that_never_changes_stays(name: str) -> None:
    """A model that uses one latent dimension only may have codes that are constant in all others."""
    codes = np.zeros((400, 6), np.float32)
    codes[:, 2] = np.random.default_rng(0).standard_normal(400)
    drawn = sampler(name).draw(sampler(name).fit(exact(codes), NONE).state, unlabelled(1000), 0)
    assert drawn[:, 2].std() == pytest.approx(codes[:, 2].std(), rel=0.15)
    assert np.abs(np.delete(drawn, 2, axis=1)).max() < 0.01


@pytest.mark.parametrize("name", OPTIONS)
def test_one_dimension_is_enough(name: str) -> None:
    codes = 3 + noise(4000, 1, 0)
    drawn = sampler(name).draw(sampler(name).fit(exact(codes), NONE).state, unlabelled(1000), 0)
    assert drawn.mean() == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("name", OPTIONS)
def test_too_few_faces_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="training faces, not 3"):
        sampler(name).fit(exact(noise(3, 2, 0)), NONE)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fit_that_was_stopped_continues_to_the_same_weights(name: str, tmp_path: Path) -> None:
    posteriors = Posteriors(noise(600, 3, 0), np.full((600, 3), 0.5, np.float32), unlabelled(600))
    short = samplers.create(name, OPTIONS[name] | {"epochs": 4})
    whole = short.fit(posteriors, NONE)
    stopped = 0
    while True:
        try:
            again = short.fit(posteriors, Place(tmp_path / "state.safetensors", stop_at=0.0))
            break
        except Interrupted:
            stopped += 1
    assert stopped == 4
    assert again.about == whole.about
    assert again.state.keys() == whole.state.keys()
    for key, array in whole.state.items():
        np.testing.assert_array_equal(again.state[key], array)
