"""Priors against closed forms, and where the theory says that one is the other."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

import tiny_training
from vaematrix.common.errors import UserError
from vaematrix.models import families, losses, priors
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.entry import check_entry
from vaematrix.models.posterior import Posterior
from vaematrix.models.weights import build, load, save
from vaematrix.training import loop as training
from vaematrix.training.average import moving_average
from vaematrix.training.loop import Settings

NETWORK = Network(size=16, widths=(4, 8), latent=5, attributes=3)
KINDS: dict[str, dict[str, Any]] = {"vampprior": {"pseudo_inputs": 6}, "flow": {"layers": 2, "width": 16}}
SAMPLES = 20_000


def model(kind: str, family: str = "conditional_vae", **options: Any) -> Autoencoder:
    torch.manual_seed(0)
    return build(family, NETWORK, None, {}, prior={"kind": kind, **KINDS.get(kind, {}), **options}).eval()


def moved(kind: str, family: str = "conditional_vae", **options: Any) -> Autoencoder:
    """A model whose prior is not as it was made."""
    m = model(kind, family, **options)
    with torch.no_grad():
        for parameter in m.prior.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return m


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def labels(n: int) -> Tensor:
    return torch.rand(n, 3, generator=torch.Generator().manual_seed(2)) > 0.5


def posterior(n: int = 1) -> Posterior:
    return Posterior(normal(1, 5, seed=3).expand(n, 5), 0.5 * normal(1, 5, seed=4).expand(n, 5) - 1)


def test_priors_are_the_files() -> None:
    assert priors.names() == ["conditional", "flow", "mixture", "normal", "vampprior"]
    assert [name for name in priors.names() if not priors.load(name).learned] == ["normal"]


@pytest.mark.parametrize(
    ("kind", "options"), [("normal", {}), ("flow", {}), ("mixture", {"components": 1}), ("conditional", {})]
)
def test_fresh_priors_are_the_standard_normal_and_their_kl_is_its_closed_form(
    kind: str, options: dict[str, int]
) -> None:
    """A flow at the identity, a mixture of one, a network p(z|y) that says nothing yet."""
    prior, q, y = model(kind, **options).prior, posterior(SAMPLES), labels(SAMPLES)
    z = q.sample(normal(SAMPLES, 5))
    torch.testing.assert_close(prior.log_prob(z, y), torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1))
    found, exact = prior.kl(q, z, y), losses.kl_to_standard_normal(*posterior())
    assert abs(found.mean() - exact) <= 4 * found.std() / math.sqrt(SAMPLES) + 1e-5
    noise = normal(SAMPLES, prior.noise_dimensions, seed=6)
    torch.testing.assert_close(prior.sample(noise, y).sort(1).values, noise[:, :5].sort(1).values)


def test_a_vampprior_whose_pseudo_posterior_is_standard_normal_is_that() -> None:
    m, q, y = model("vampprior"), posterior(SAMPLES), labels(SAMPLES)
    with torch.no_grad():
        m.encoder.head.weight.zero_()
        m.encoder.head.bias.zero_()
    z = q.sample(normal(SAMPLES, 5))
    torch.testing.assert_close(m.prior.log_prob(z, y), torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1))
    found = m.prior.kl(q, z, y)
    assert abs(found.mean() - losses.kl_to_standard_normal(*posterior())) <= 4 * found.std() / math.sqrt(SAMPLES)


def test_a_mixture_is_the_sum_of_its_gaussians() -> None:
    prior, z = moved("mixture", components=3).prior, normal(6, 5)
    learnt, factors = prior.learnt, prior.kind.factors(prior)
    gaussians = [MultivariateNormal(m, f @ f.T) for m, f in zip(learnt["means"], factors, strict=True)]
    density = sum(w * g.log_prob(z).exp() for w, g in zip(learnt["logits"].softmax(0), gaussians, strict=True))
    torch.testing.assert_close(prior.log_prob(z, labels(6)), density.log(), rtol=1e-4, atol=1e-4)


def test_the_conditional_kl_is_that_of_torch_distributions() -> None:
    prior, q, y = moved("conditional").prior, posterior(4), labels(4)
    p = prior.kind.gaussian(prior, y)
    expected = torch.distributions.kl_divergence(
        *(torch.distributions.Normal(of.mean, (of.log_variance / 2).exp()) for of in (q, p))
    ).sum(1)
    torch.testing.assert_close(prior.kl(q, q.mean, y), expected)
    assert not torch.equal(prior.log_prob(q.mean, y), prior.log_prob(q.mean, ~y))


@pytest.mark.parametrize("kind", priors.names())
def test_draws_have_the_density_that_the_prior_says(kind: str) -> None:
    """E_p[r(z)/p(z)] = 1 for any density r that p covers; here r is the draws' own Gaussian, drawn in a little."""
    prior, y = moved(kind).prior, labels(1).expand(SAMPLES, 3)
    with torch.no_grad():
        z = prior.sample(normal(SAMPLES, prior.noise_dimensions), y)
        r = MultivariateNormal(z.mean(0), 0.5 * z.T.cov())
        ratio = (r.log_prob(z) - prior.log_prob(z, y)).exp()
        assert abs(ratio.mean() - 1) < 5 * ratio.std() / math.sqrt(SAMPLES)


@pytest.mark.parametrize("kind", priors.names())
def test_priors_stay_float32_under_autocast(kind: str) -> None:
    m, q, y = moved(kind), posterior(8), labels(8)
    z = q.sample(normal(8, 5))
    with torch.autocast("cpu", torch.bfloat16):
        inside = m.prior.kl(q, z, y)
    torch.testing.assert_close(inside, m.prior.kl(q, z, y), rtol=0, atol=0)


@pytest.mark.parametrize("kind", [name for name in priors.names() if priors.load(name).learned])
@pytest.mark.parametrize("family", families.names())
def test_every_family_trains_with_every_prior_or_says_why_not(kind: str, family: str, tmp_path: Path) -> None:
    """Its parameters move, are in the weights, and are the same after a kill; what is refused is refused beforehand."""
    entry = {"family": family, "prior": {"kind": kind, **KINDS.get(kind, {})}}
    if kind == "conditional" and family != "conditional_vae":
        with pytest.raises(UserError, match=r"models\.a\.prior is conditioned on attributes"):
            check_entry(entry, "config", ("models", "a"))
        return
    check_entry(entry, "config", ("models", "a"))
    trained = {}
    for name, stop_at in (("whole", None), ("parts", 0.0)):
        m = model(kind, family).train()
        before = copy.deepcopy(m.prior.state_dict())
        settings = Settings(2, 8, 1e-3, average=0.5)
        arguments = (tiny_training.split(19, 0), tiny_training.split(5, 1), settings, 0, tmp_path / name)
        while True:
            try:
                progress = training.train(m, *arguments, tmp_path / f"{name}.jsonl", stop_at=stop_at)
                break
            except training.Interrupted:
                m = model(kind, family).train()
        assert progress.step == 4
        trained[name] = m
        assert all(parameter.isfinite().all() for parameter in m.prior.parameters())
    assert any(not torch.equal(value, before[key]) for key, value in m.prior.state_dict().items())
    for key, value in trained["whole"].state_dict().items():
        assert torch.equal(value, trained["parts"].state_dict()[key]), key
    about = {"family": family, "network": NETWORK.as_dict(), "sigma": None, "options": {}, "prior": entry["prior"]}
    save(tmp_path / "model.safetensors", m, about, ["a", "b", "c"])
    loaded, z = load(tmp_path / "model.safetensors", torch.device("cpu")), normal(3, 5)
    assert torch.equal(loaded.prior.log_prob(z, labels(3)), m.eval().prior.log_prob(z, labels(3)))


@pytest.mark.parametrize(("family", "options"), [("beta_vae", {"capacity": 5.0}), ("info_vae", {"alpha": 1.0})])
def test_a_prior_that_nothing_would_teach_is_refused(family: str, options: dict[str, float]) -> None:
    with pytest.raises(UserError, match=r"models\.a\.prior is learned from the KL"):
        check_entry({"family": family, **options, "prior": "flow"}, "config", ("models", "a"))


def test_the_mmd_moves_the_codes_and_not_the_prior() -> None:
    m = moved("mixture", "info_vae").train()
    x, noise = torch.rand(8, 3, 16, 16), normal(2, 8, 6)
    terms = m.loss(x, labels(8), noise, torch.tensor(0.5))
    z = m.encode(x, labels(8)).sample(noise[0, :, :5])
    expected = losses.mmd_squared(z, m.prior.sample(noise[1], labels(8)), "rbf")
    torch.testing.assert_close(terms["mmd"], expected)
    gradients = torch.autograd.grad(terms["mmd"], list(m.prior.parameters()), allow_unused=True)
    assert all(gradient is None for gradient in gradients)


def test_pseudo_inputs_leave_the_statistics_of_batch_normalisation_as_they_are() -> None:
    m = model("vampprior").train()
    before = copy.deepcopy(m.encoder.state_dict())
    m.prior.log_prob(normal(3, 5), labels(3))
    assert m.encoder.training
    assert all(torch.equal(value, before[key]) for key, value in m.encoder.state_dict().items())


def test_an_averaged_flow_keeps_its_masks() -> None:
    m = model("flow")
    average = moving_average(m, 0.3, 10)
    for _ in range(5):
        average.update_parameters(m)
    masks = {name: buffer for name, buffer in m.prior.named_buffers() if not buffer.is_floating_point()}
    assert masks
    for name, buffer in average.module.prior.named_buffers():
        assert name not in masks or torch.equal(buffer, masks[name]), name


def test_an_averaged_vampprior_asks_its_own_encoder() -> None:
    m = model("vampprior")
    average = moving_average(m, 0.3, 10).module
    assert average.prior.encode.__self__ is average
