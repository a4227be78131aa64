"""What generation asks a model's prior, learned or not."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vaematrix.common.images import read_metadata, read_table
from vaematrix.common.vectors import vectors_of
from vaematrix.data.shards import Faces
from vaematrix.generation.latents import read_latents, write_latents
from vaematrix.generation.outputs import encode_faces
from vaematrix.generation.posteriors import Posteriors, noise
from vaematrix.generation.prior import draw_prior, kl_to_prior, prior_log_density, spread_of_prior
from vaematrix.generation.walks import traverse
from vaematrix.models import losses
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.weights import build

LATENT = 4


def model(prior: str | dict[str, object]) -> Autoencoder:
    torch.manual_seed(0)
    return build("conditional_vae", Network(8, (4, 8), LATENT, 2), None, {}, prior=prior).eval()


def gaussian(mean: float, deviation: float) -> Autoencoder:
    """A model whose prior is N(mean, deviation² I)."""
    m = model({"kind": "mixture", "components": 1})
    with torch.no_grad():
        m.prior.learnt["means"].fill_(mean)
        m.prior.learnt["factors"].copy_(np.log(deviation) * torch.eye(LATENT)[None])
    return m


def faces(n: int) -> Faces:
    rng = np.random.default_rng(0)
    images, attributes = rng.integers(0, 256, (n, 8, 8, 3), np.uint8), rng.random((n, 2)) > 0.5
    return Faces(images, [str(i) for i in range(n)], attributes, ("a", "b"))


def test_the_standard_normal_prior_draws_what_it_always_drew() -> None:
    labels = np.zeros((300, 2), bool)
    assert (draw_prior(model("normal"), labels, 3) == noise(300, LATENT, 3)).all()
    assert [of.tolist() for of in spread_of_prior(model("normal"), labels[0])] == [[0] * LATENT, [1] * LATENT]


def test_a_learned_prior_is_asked_for_draws_densities_and_kl() -> None:
    m, labels = gaussian(3.0, 2.0), np.zeros((2000, 2), bool)
    codes = draw_prior(m, labels, 0)
    np.testing.assert_allclose(codes.mean(0), 3, atol=0.2)
    np.testing.assert_allclose(codes.std(0), 2, rtol=0.05)
    expected = torch.distributions.Normal(3.0, 2.0).log_prob(torch.from_numpy(codes)).sum(1)
    np.testing.assert_allclose(prior_log_density(m, codes, labels), expected, rtol=1e-5)
    q = Posteriors(np.full((2000, LATENT), 3.0, np.float32), np.full((2000, LATENT), 1.0, np.float32), labels)
    # In units of the prior, q is N(0, ¼).
    exact = losses.kl_to_standard_normal(torch.zeros(1, LATENT), torch.full((1, LATENT), np.log(0.25)))
    assert kl_to_prior(m, q).mean() == pytest.approx(float(exact), abs=0.15)


def test_walks_range_over_the_prior() -> None:
    m = gaussian(3.0, 2.0)
    means, deviations = np.zeros((5, LATENT), np.float32), np.ones((5, LATENT), np.float32)
    seen = []
    m.decode = lambda z, y: seen.append(z) or torch.zeros(len(z), 3, 8, 8)
    traverse(m, means, deviations, np.array([True, False]), dimensions=1, steps=3)
    np.testing.assert_allclose(np.sort(torch.cat(seen).numpy().ravel())[[0, -1]], [-3, 9], atol=0.5)


def test_latents_hold_what_the_metrics_need_of_a_learned_prior(tmp_path: Path) -> None:
    path = tmp_path / "latents.parquet"
    encoded = encode_faces(gaussian(3.0, 2.0), faces(40))
    write_latents(path, {"train": encoded, "test": encoded}, True, {"vaematrix.weights_sha256": "0"})
    assert read_metadata(path)["vaematrix.prior"] == {"kind": "mixture", "components": 1}
    table = read_table(path)
    assert vectors_of(table, "prior_draw").shape == (80, LATENT)
    np.testing.assert_array_equal(table["kl_to_prior"].to_numpy()[:40], encoded.prior.kl)
    assert read_latents(path, "test")[0].attribute_names == ("a", "b")


def test_latents_of_the_standard_normal_prior_are_as_before(tmp_path: Path) -> None:
    path = tmp_path / "latents.parquet"
    write_latents(path, {"train": encode_faces(model("normal"), faces(9))}, True, {"vaematrix.weights_sha256": "0"})
    assert "vaematrix.prior" not in read_metadata(path)
    assert read_table(path).column_names == ["image_id", "split", "a", "b", "mean", "variance"]
