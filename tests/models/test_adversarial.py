"""A model against its discriminator: the losses, and what their gradients reach, against the equations written out."""

import itertools
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

import tiny_training
from vaematrix.models import families, losses, priors
from vaematrix.models.adversarial import SURE, Adversarial, Discriminator, hinge, trainable
from vaematrix.models.adversary import Adversary
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.weights import build, load, save
from vaematrix.training import compilation
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings

NETWORK = Network(size=16, widths=(4, 8), latent=5, attributes=3)
NOW, BEFORE = torch.tensor(0.5), torch.tensor(0.05)  # shares of a training in which w(t) is at its height, and still 0


def duel(family: str = "vae", **options: float) -> Adversarial:
    torch.manual_seed(0)
    found = trainable(build(family, NETWORK, None, {}, {"weight": 0.5, **options}))
    assert isinstance(found, Adversarial)
    return found


def batch(n: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    x = torch.rand(n, 3, 16, 16, generator=g)
    return x, torch.rand(n, 3, generator=g) > 0.5, torch.randn(2, n, 5, generator=g)


def decoded(model: Autoencoder) -> tuple[Tensor, Tensor, Tensor]:
    """NLL with the KL of a plain VAE, reconstructions and samples, with their graph, decoded as one batch."""
    x, y, noise = batch()
    posterior = model.encode(x, y)
    images = model.decode(torch.cat([posterior.sample(noise[0]), noise[1]]), torch.cat([y, y]))
    reconstructions, samples = images.chunk(2)
    nll, _ = model.likelihood(losses.sum_of_squares(x, reconstructions))
    return nll, reconstructions, samples


def gradients(module: torch.nn.Module) -> list[Tensor | None]:
    return [parameter.grad for parameter in module.parameters()]


def test_the_losses_are_the_equations() -> None:
    """λ, L and the gradients of L by automatic differentiation through the discriminator, which ours never enters."""
    ours, by_hand = duel(), duel()
    terms = ours.loss(*batch(), NOW)
    terms["loss"].backward()

    d = by_hand.discriminator
    d.load_state_dict(ours.discriminator.state_dict())
    d.eval()  # its power iteration is at the point to which ours has gone
    nll, reconstructions, samples = decoded(by_hand.model)
    fooling = -(d(reconstructions).mean() + d(samples).mean()) / 2
    last = by_hand.model.decoder.image.weight
    (of_pixels,) = torch.autograd.grad(nll, last, retain_graph=True)
    (of_adversary,) = torch.autograd.grad(fooling, last, retain_graph=True)
    ratio = (of_pixels.square().sum().sqrt() / (of_adversary.square().sum().sqrt() + 1e-4)).clamp(0, 1e4)
    posterior = by_hand.model.encode(*batch()[:2])
    loss = nll + losses.kl_to_standard_normal(*posterior).mean() + 0.5 * ratio.detach() * fooling
    torch.testing.assert_close(terms["gradient_ratio"], ratio, rtol=1e-4, atol=0)
    torch.testing.assert_close(terms["adversarial_loss"], fooling)
    torch.testing.assert_close(terms["loss"], loss, rtol=1e-5, atol=1e-3)
    by_hand.model.zero_grad()
    loss.backward()
    for gradient, expected in zip(gradients(ours.model), gradients(by_hand.model), strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))

    x = batch()[0]
    expected = (
        (1 - d(x)).clamp_min(0).mean() / 2
        + (1 + d(reconstructions)).clamp_min(0).mean() / 4
        + (1 + d(samples)).clamp_min(0).mean() / 4
    )
    torch.testing.assert_close(terms["discriminator_loss"], expected)
    for name, right in (
        ("real_accuracy", d(x) > 0),
        ("reconstruction_accuracy", d(reconstructions) < 0),
        ("sample_accuracy", d(samples) < 0),
    ):
        assert terms[name].item() == pytest.approx(right.float().mean().item())
    assert tuple(terms) == ours.terms


def test_the_hinge_by_hand() -> None:
    # faces: [1-2]₊ = 0, [1-0.5]₊ = 0.5; made: [1-3]₊ = 0, [1+0]₊ = 1, [1-0.5]₊ = 0.5, [1+1]₊ = 2
    found = hinge(torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0, -0.5, 1.0]))
    assert found.item() == pytest.approx(0.5 * 0.25 + 0.25 * (0 + 1) / 2 + 0.25 * (0.5 + 2) / 2)


def test_no_gradient_reaches_what_it_should_not() -> None:
    """Also where `backward` is told no parameters."""
    trained = duel()
    terms = trained.loss(*batch(), NOW)
    terms["loss"].backward()
    assert all(gradient is None for gradient in gradients(trained.discriminator)), "L moves the discriminator"
    trained.model.zero_grad()
    terms["discriminator_loss"].backward()
    assert all(gradient is None for gradient in gradients(trained.model)), "L_D moves the model"
    assert all(gradient is not None for gradient in gradients(trained.discriminator))


@pytest.mark.parametrize("prior", [kind for kind in priors.names() if kind != "normal"])
def test_the_adversary_does_not_move_the_prior(prior: str) -> None:
    """The gradient of a prior's own parameters is that of the KL, whatever the adversary weighs."""
    found = []
    for weight in (0.5, 0.1):
        torch.manual_seed(0)
        model = build(
            "conditional_vae" if prior == "conditional" else "vae", NETWORK, None, {}, {"weight": weight}, prior
        )
        x, y, _ = batch()
        noise = torch.randn(model.noise_shape(len(x)), generator=torch.Generator().manual_seed(2))
        trainable(model).loss(x, y, noise, NOW)["loss"].backward()
        found.append(gradients(model.prior))
    assert found[0]
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


def test_what_the_adversary_reaches() -> None:
    """Encoder and decoder, through reconstructions and samples."""
    found = []
    for weight in (0.5, 0.1):
        trained = duel(weight=weight)
        trained.loss(*batch(), NOW)["loss"].backward()
        found.append(trained.model)
    for part in ("encoder", "decoder"):
        assert any(
            not torch.equal(a, b) for a, b in zip(*(gradients(getattr(model, part)) for model in found), strict=True)
        ), part


def test_the_discriminators_slope_is_bounded_and_it_sees_no_batch() -> None:
    torch.manual_seed(0)
    d = Discriminator(NETWORK)
    x = batch()[0]
    for _ in range(50):
        d(x)  # each time, the power iteration goes on
    d.eval()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in d.modules())
    for layer in (*(stage[0] for stage in d.stages), d.head):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(d(x)[:1], d(x[:1]))


def test_the_weight_rises_as_it_is_told() -> None:
    adversary = Adversary(weight=0.2, start=0.1, full=0.3)
    for share, weight in ((0, 0), (0.1, 0), (0.15, 0.05), (0.2, 0.1), (0.3, 0.2), (1, 0.2)):
        assert adversary.weight_at(torch.tensor(float(share))).item() == pytest.approx(weight, abs=1e-7)


# Every family with the standard normal prior, and every other prior with a family that it fits.
MODELS = [(family, "normal") for family in families.names()] + [
    ("conditional_vae" if kind == "conditional" else "vae", kind) for kind in priors.names() if kind != "normal"
]


def trained(
    folder: Path, family: str, adversary: dict[str, float] | None, prior: str = "normal"
) -> tuple[Autoencoder, list[dict[str, Any]]]:
    torch.manual_seed(0)
    model = build(family, NETWORK, None, {}, adversary, prior)
    faces, valid = tiny_training.split(35, 0), tiny_training.split(10, 1)
    folder.mkdir()
    progress = training.train(model, faces, valid, Settings(3, 8, 1e-3), 0, folder / "c", folder / "history.jsonl")
    return model, progress.history


def checkpoint_progress(folder: Path) -> dict[str, Any]:
    with safe_open(folder / "c/state.safetensors", "pt") as file:
        return json.loads(file.metadata()["progress"])


@pytest.mark.parametrize(("family", "prior"), MODELS)
def test_without_weight_it_is_the_plain_model_bit_for_bit(family: str, prior: str, tmp_path: Path) -> None:
    """Batch normalisation's statistics, too: samples that are not in the loss are decoded by them and leave them."""
    plain, plain_history = trained(tmp_path / "plain", family, None, prior)
    idle, history = trained(tmp_path / "idle", family, {"weight": 0.0}, prior)
    for name, tensor in plain.state_dict().items():
        assert torch.equal(idle.state_dict()[name], tensor), name
    for plain_record, record in zip(plain_history, history, strict=True):
        for name in plain_record.keys() - {"seconds", "images_per_second", "peak_memory_mb"}:
            assert record[name] == plain_record[name], name
    assert history[-1]["discriminator_loss"] < history[0]["discriminator_loss"], "the discriminator trains nevertheless"


def test_until_it_starts_it_is_the_plain_model(tmp_path: Path) -> None:
    """Of 12 steps, the first whose share is above 0.7 is the tenth, in the third epoch."""
    _, plain = trained(tmp_path / "plain", "vae", None)
    _, history = trained(tmp_path / "late", "vae", {"start": 0.7, "full": 0.8})
    assert [record["mse"] for record in history[:2]] == [record["mse"] for record in plain[:2]]
    assert history[2]["mse"] != plain[2]["mse"]
    assert [record["gradient_ratio"] > 0 for record in history] == [False, False, True]


@pytest.mark.parametrize(("family", "prior"), MODELS)
def test_every_family_and_prior_trains_against_a_discriminator(family: str, prior: str, tmp_path: Path) -> None:
    adversary = {"start": 0.0, "full": 0.1}
    plain, _ = trained(tmp_path / "plain", family, None, prior)
    model, history = trained(tmp_path / "duel", family, adversary, prior)
    progress = checkpoint_progress(tmp_path / "duel")
    of_discriminator = sum(parameter.numel() for parameter in Discriminator(NETWORK).parameters())
    assert progress["parameters"] == sum(parameter.numel() for parameter in model.parameters()) + of_discriminator
    assert not torch.equal(model.decoder.image.weight, plain.decoder.image.weight)
    for record in history:
        assert all(torch.tensor(value).isfinite() for value in record.values())
        assert 0 < record["gradient_ratio"] <= 1e4
    made_from = {"family": family, "prior": prior, "adversary": adversary, "options": {}}
    made_from |= {"network": NETWORK.as_dict(), "sigma": None}
    save(tmp_path / "model.safetensors", model, made_from, ("a", "b", "c"))
    again = load(tmp_path / "model.safetensors", torch.device("cpu"))
    assert again.state_dict().keys() == plain.state_dict().keys(), "the discriminator is dropped"
    assert again.adversary == Adversary(**adversary)


def test_the_discriminator_moves(tmp_path: Path) -> None:
    """A published script computed its loss and never stepped its optimiser."""
    trained(tmp_path / "duel", "vae", {"learning_rate": 1e-3})
    state = load_file(tmp_path / "duel/c/state.safetensors")
    torch.manual_seed(training._mix(0, 3))
    for name, fresh in Discriminator(NETWORK).named_parameters():
        if not name.endswith("bias"):  # that of the head stays as long as no score leaves the hinge
            assert not torch.equal(state[f"discriminator.module.{name}"], fresh), name
        assert state[f"discriminator.optimiser.{name}.step"] == 12


def test_a_discriminator_that_always_wins_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """White images against a decoder that hardly moves from grey."""
    caplog.set_level(logging.WARNING)
    torch.manual_seed(0)
    model = build("vae", NETWORK, None, {}, {"start": 0.0, "full": 0.01, "learning_rate": 0.01})
    faces = tiny_training.split(35, 0)
    faces.images |= 192
    progress = training.train(model, faces, faces, Settings(12, 8, 1e-6), 0, tmp_path / "c", tmp_path / "h.jsonl")
    records = [json.loads(line) for line in (tmp_path / "h.jsonl").read_text().splitlines()]
    wins = [
        record["adversarial_weight"] >= 0.999 * model.adversary.weight
        and min(record[f"{of}_accuracy"] for of in ("real", "reconstruction", "sample")) >= SURE
        for record in records
    ]
    begun = [number for number, (before, now) in enumerate(itertools.pairwise([False, *wins]), 1) if now and not before]
    said = [record.message for record in caplog.records if "always wins" in record.message]
    assert begun, "it does win"
    assert [message.partition(":")[0] for message in said] == [f"epoch {number}" for number in begun]
    assert (said[0].partition(": ")[2] in progress.concerns) == wins[-1], "for run.json and the report"


def test_collapsed_samples_are_said() -> None:
    """A decoder that no code changes; the faces differ as before."""
    collapsed, alive = duel(), duel()
    with torch.no_grad():
        collapsed.model.decoder.head.weight.zero_()
    records = [
        {name: float(value.detach()) for name, value in one.loss(*batch(), NOW).items()} for one in (collapsed, alive)
    ]
    assert records[0]["sample_spread"] == pytest.approx(0, abs=1e-6)
    assert any("the samples have collapsed" in concern for concern in collapsed.concerns(records[0]))
    x = batch()[0]
    pairs = torch.cat([x, x[:1]])
    samples = decoded(alive.model)[2]
    around = torch.cat([samples, samples[:1]])
    expected = (around[1:] - around[:-1]).square().mean() / (pairs[1:] - pairs[:-1]).square().mean()
    assert records[1]["sample_spread"] == pytest.approx(expected.item(), rel=1e-4)
    assert alive.concerns({**records[1], "sample_spread": 0.5, "real_accuracy": 0.7}) == []


def test_both_losses_are_of_float32_under_autocast() -> None:
    trained = duel()
    with torch.autocast("cpu", torch.bfloat16):
        terms = trained.loss(*batch(), NOW)
    assert {value.dtype for value in terms.values()} == {torch.float32}
    x = batch()[0]
    d = trained.discriminator.eval()
    with torch.autocast("cpu", torch.bfloat16):
        inside = d(x)
    assert torch.equal(inside, d(x))


def test_the_compiler_leaves_it_as_it_is() -> None:
    """It takes no gradient inside of what it compiles."""
    plain, fused = duel(), duel()
    expected = plain.loss(*batch(), NOW)
    terms = compilation.fused(fused.loss)(*batch(), NOW)
    assert {name: value.item() for name, value in terms.items()} == {
        name: value.item() for name, value in expected.items()
    }
