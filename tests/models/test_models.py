"""The families: what they are, and where the theory says that they are each other."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaematrix.common.errors import UserError
from vaematrix.models import families, losses
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.weights import attribute_names, build, intact, load, save

NETWORK = Network(size=16, widths=(4, 8), latent=5, attributes=3)


def model(family: str, sigma: float | None = None, **options: float | str | None) -> Autoencoder:
    torch.manual_seed(0)
    return build(family, NETWORK, sigma, options)


def batch(n: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    x = torch.rand(n, 3, 16, 16, generator=g)
    return x, torch.rand(n, 3, generator=g) > 0.5, torch.randn(2, n, 5, generator=g)


def loss(m: Autoencoder, progress: float = 0.5) -> dict[str, Tensor]:
    return m.loss(*batch(), torch.tensor(progress))


def gradients(m: Autoencoder) -> list[Tensor]:
    m.zero_grad()
    loss(m)["loss"].backward()
    return [parameter.grad for parameter in m.parameters()]


def test_families_are_the_files() -> None:
    assert families.names() == ["beta_vae", "conditional_vae", "info_vae", "vae"]


@pytest.mark.parametrize("family", families.names())
@pytest.mark.parametrize("sigma", [None, 0.7])
def test_the_loss_is_the_equation(family: str, sigma: float | None) -> None:
    """Every term recomputed from torch.distributions and the definition, in one unit: nats per image."""
    m, (x, y, noise) = model(family, sigma), batch()
    terms = m.loss(x, y, noise, torch.tensor(0.5))
    posterior = m.encode(x, y)
    q = torch.distributions.Normal(posterior.mean, (posterior.log_variance / 2).exp())
    z = q.mean + q.stddev * noise[0]
    x_hat = m.decode(z, y)
    s = sigma or (x - x_hat).square().mean().sqrt()
    nll = -torch.distributions.Normal(x_hat, s).log_prob(x).sum((1, 2, 3)).mean()
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    penalty = {
        "vae": kl,
        "conditional_vae": kl,
        "beta_vae": 4 * kl,
        "info_vae": kl + 999 * losses.mmd_squared(z, noise[1], "rbf"),
    }[family]
    torch.testing.assert_close(terms["nll"], nll, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(terms["kl"], kl, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(terms["loss"], nll + penalty, rtol=1e-5, atol=1e-3)
    assert tuple(terms) == m.terms


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("beta_vae", {"beta": 1.0}),
        ("info_vae", {"alpha": 0.0, "lambda": 1.0}),
        ("beta_vae", {"capacity": 0.0, "gamma": 1.0}),
    ],
)
def test_special_cases_are_the_vae(family: str, options: dict[str, float]) -> None:
    ours, vae = model(family, **options), model("vae")
    assert loss(ours)["loss"].item() == loss(vae)["loss"].item()
    for a, b in zip(gradients(ours), gradients(vae), strict=True):
        torch.testing.assert_close(a, b)


def test_a_conditional_vae_that_ignores_its_labels_is_the_vae() -> None:
    ours, vae = model("conditional_vae"), model("vae")
    state = vae.state_dict()
    for name, tensor in ours.state_dict().items():
        if tensor.shape != state[name].shape:  # the two heads that see y: columns for the labels stay zero
            tensor.zero_()[:, : state[name].shape[1]] = state[name]
        else:
            tensor.copy_(state[name])
    assert loss(ours)["loss"].item() == pytest.approx(loss(vae)["loss"].item(), rel=1e-6)


def test_a_conditional_vae_listens_to_its_labels_on_both_sides() -> None:
    m, (x, y, noise) = model("conditional_vae").eval(), batch()
    assert not torch.equal(m.encode(x, y).mean, m.encode(x, ~y).mean)
    assert not torch.equal(m.decode(noise[0], y), m.decode(noise[0], ~y))


def test_info_vae_with_alpha_one_has_no_kl() -> None:
    m = model("info_vae", alpha=1.0, **{"lambda": 10.0})
    terms = loss(m)
    torch.testing.assert_close(terms["loss"], terms["nll"] + 10 * terms["mmd"])


def test_capacity_rises_linearly_and_then_stays() -> None:
    m = model("beta_vae", capacity=30.0, gamma=2.0, capacity_share=0.5)
    for progress, target in ((0.0, 0.0), (0.25, 15.0), (0.5, 30.0), (1.0, 30.0)):
        terms = loss(m, progress)
        torch.testing.assert_close(terms["loss"], terms["nll"] + 2 * (terms["kl"] - target).abs())


def test_the_capacity_form_has_no_weight_of_the_kl() -> None:
    """At C the KL is worth nothing, above it γ, and below it -γ."""
    assert model("beta_vae", beta=3.0).family.kl_weight == 3
    assert model("beta_vae", capacity=30.0).family.kl_weight is None


def test_beta_and_sigma_count_only_as_beta_times_sigma_squared() -> None:
    """L·σ² = SSE/2 + β·σ²·KL + const: models of equal β_eff have proportional gradients."""
    a, b = model("beta_vae", sigma=1.0, beta=0.5), model("beta_vae", sigma=0.5, beta=2.0)
    for one, other in zip(gradients(a), gradients(b), strict=True):
        torch.testing.assert_close(one, other * 0.25, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "options", "said"),
    [
        ("beta_vae", {"beta": 0.0}, r"families: beta_vae.beta 0.0 must be above 0"),
        ("info_vae", {"alpha": 1.5}, "alpha 1.5 must be at most 1"),
        ("info_vae", {"lambda": 0.0}, "alpha \\+ lambda"),
    ],
)
def test_impossible_options_are_refused(family: str, options: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        model(family, **options)


def test_a_size_that_the_widths_do_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match="multiple of 2\\^3 = 8"):
        Network(size=12, widths=(4, 8, 16), latent=5, attributes=0)


@pytest.mark.parametrize("widths", [(4,), (4, 8), (4, 8, 16, 32)])
def test_decoder_mirrors_the_encoder(widths: tuple[int, ...]) -> None:
    network = Network(size=32, widths=widths, latent=6, attributes=0)
    m = build("vae", network, None, {})
    x = torch.rand(2, 3, 32, 32)
    z = m.encode(x, torch.zeros(2, 0)).mean
    assert z.shape == (2, 6)
    assert m.decode(z, torch.zeros(2, 0)).shape == x.shape


@pytest.mark.parametrize("family", families.names())
def test_weights_come_back_as_they_were(family: str, tmp_path: Path) -> None:
    m = model(family).eval()
    options = {"beta": 4.0} if family == "beta_vae" else {"lambda": 1000.0} if family == "info_vae" else {}
    save(
        tmp_path / "m.safetensors",
        m,
        {"family": family, "network": NETWORK.as_dict(), "sigma": None, "options": options},
        ("Smiling", "Young", "Bald"),
    )
    again = load(tmp_path / "m.safetensors", torch.device("cpu"))
    _, y, noise = batch()
    assert torch.equal(again.decode(noise[0], y), m.decode(noise[0], y))
    assert type(again) is type(m)
    assert json.dumps(again.network.as_dict()) == json.dumps(NETWORK.as_dict())


@pytest.mark.parametrize("damage", ["flipped", "cut short"])
def test_weights_that_are_not_those_of_their_training_are_named(damage: str, tmp_path: Path) -> None:
    file, run = tmp_path / "model.safetensors", tmp_path / "run.json"
    file.write_bytes(bytes(range(256)))
    run.write_text(json.dumps({"weights_sha256": hashlib.sha256(bytes(range(256))).hexdigest()}))
    assert intact(file, run) == hashlib.sha256(bytes(range(256))).hexdigest()
    file.write_bytes(bytes(range(254)) + (b"ab" if damage == "flipped" else b""))
    with pytest.raises(UserError, match=r"^\S+/model\.safetensors: .*run\.json names another.*delete it"):
        intact(file, run)


@pytest.mark.parametrize("record", [{}, {"key": "k"}, [], None])
def test_a_run_json_without_the_weights_hash_is_named(record: object, tmp_path: Path) -> None:
    """It is valid JSON, so that reading it says nothing; it ended in a KeyError."""
    file, run = tmp_path / "model.safetensors", tmp_path / "run.json"
    file.write_bytes(b"weights")
    run.write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"run\.json: .*[Dd]elete it"):
        intact(file, run)


def test_the_same_weights_are_the_same_file_in_every_process(tmp_path: Path) -> None:
    """Several entries of metadata would be written in an order that every process draws anew."""
    program = (
        "import sys, torch; from vaematrix.models.architecture import Network\n"
        "from vaematrix.models import weights; torch.manual_seed(0)\n"
        "model = weights.build('vae', Network(16, (4, 8), 5, 3), None, {})\n"
        "about = {'family': 'vae', 'network': model.network.as_dict(), 'sigma': None, 'options': {}}\n"
        "weights.save(sys.argv[1], model, about, ['a', 'b', 'c'])"
    )
    files = [tmp_path / f"{number}.safetensors" for number in range(4)]
    for file in files:
        subprocess.run([sys.executable, "-c", program, file], check=True)
    assert len({file.read_bytes() for file in files}) == 1
    assert attribute_names(files[0]) == ("a", "b", "c")
