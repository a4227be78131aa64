"""A fitted sampler's file, and how well it says it knows codes that it never saw."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import stats

from vaematrix.common.errors import UserError
from vaematrix.generation import samplers
from vaematrix.generation.fitted import FittedSampler, fit_sampler
from vaematrix.generation.posteriors import Posteriors, noise
from vaematrix.generation.sampler import Place

OPTIONS = {"gaussian": {}, "gmm": {"components": 2}, "flow": {"epochs": 1}, "diffusion": {"epochs": 1, "steps": 3}}


def posteriors(count: int, seed: int) -> Posteriors:
    means, labels = 0.6 * noise(count, 3, seed, 9), np.random.default_rng(seed).random((count, 2)) < 0.5
    return Posteriors(means + labels[:, :1], np.full_like(means, 0.8), labels)


def fitted(kind: str) -> FittedSampler:
    sampler, place = samplers.create(kind, OPTIONS[kind]), Place()
    return fit_sampler(kind, sampler, posteriors(2000, 0), posteriors(1000, 1), place, "a hash")


def test_every_sampler_is_tried() -> None:
    assert list(OPTIONS) == sorted(samplers.names(), key=list(OPTIONS).index)


@pytest.mark.parametrize("kind", OPTIONS)
def test_what_was_written_draws_the_same(kind: str, tmp_path: Path) -> None:
    before, path, labels = fitted(kind), tmp_path / "sampler.safetensors", posteriors(7, 2).labels
    before.save(path, "a key")
    after = FittedSampler.load(path)
    np.testing.assert_array_equal(after.draw(labels, 4), before.draw(labels, 4))
    assert (after.protocol, after.held_out, after.weights_sha256) == (before.protocol, before.held_out, "a hash")
    assert after.protocol.items() >= {"kind": kind, "fitted_on": 2000, **OPTIONS[kind]}.items()
    before.save(tmp_path / "again.safetensors", "a key")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_the_held_out_codes_are_as_likely_as_the_law_says() -> None:
    """Codes are N(y, I) in the first attribute's direction."""
    held_out = posteriors(1000, 1)
    truth = stats.norm(held_out.labels[:, :1], 1).logpdf(held_out.draw(0)).sum(axis=1).mean()
    found = fitted("gaussian").held_out
    assert found.nats == pytest.approx(truth, abs=0.02)
    assert (found.codes, found.density) == (1000, "exact")


@pytest.mark.parametrize("content", ["cut", "foreign", "none"])
def test_a_file_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    path = tmp_path / "sampler.safetensors"
    if content == "cut":
        fitted("gaussian").save(path, "a key")
        path.write_bytes(path.read_bytes()[:100])
    elif content == "foreign":
        save_file({"x": np.ones(2)}, path)
    with pytest.raises(UserError, match=r"sampler\.safetensors: no fitted sampler"):
        FittedSampler.load(path)
