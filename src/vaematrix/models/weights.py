"""Models by the name of their family, and their weights as safetensors that say what they are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256, written_whole
from vaematrix.common.records import read_run
from vaematrix.models import families, priors
from vaematrix.models.adversary import adversary_of
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.whitening import Whitening


def build(
    family: str,
    network: Network,
    sigma: float | None,
    options: dict[str, Any],
    adversary: dict[str, Any] | None = None,
    prior: str | dict[str, Any] | None = None,
) -> Autoencoder:
    """A model of a family with fresh weights from torch's global generator, in channels_last layout.

    Args:
        options: the family's. adversary: its options, where the model has one.
        prior: as an entry of the config has it; None is the standard normal one.
    """
    parts = families.create(family, options), priors.prior_of(prior), adversary_of(adversary)
    model = Autoencoder(network, sigma, *parts)
    return model.to(memory_format=torch.channels_last)


def save(path: str | Path, model: Autoencoder, configuration: dict[str, Any], attribute_names: Sequence[str]) -> None:
    """Write the weights with what is needed to use them.

    Args:
        configuration: what :func:`build` takes, with the network as a dictionary.
        attribute_names: of the labels y, in their order.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    # One entry: safetensors writes several in an order that changes with the process, and with it the file's hash.
    about = json.dumps({**configuration, "attributes": list(attribute_names)}, sort_keys=True)
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata={"vaematrix": about})


def load(path: str | Path, device: torch.device) -> Autoencoder:
    """The model that :func:`save` wrote, in evaluation mode on `device`.

    Raises:
        UserError: the file is damaged, or none that :func:`save` wrote.
    """
    configuration = _about(path)
    configuration.pop("attributes", None)
    network = Network(**configuration.pop("network"))
    model = build(network=network, **configuration)
    try:
        tensors = load_file(path)
        if any(name.startswith("whitening.") for name in tensors):
            model.whitening = Whitening(network.latent)
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        raise UserError(f"{path}: damaged, or not the weights of its model ({error}).") from None
    return model.to(device).eval()


def attribute_names(path: str | Path) -> tuple[str, ...] | None:
    """The names of the labels y; None where the file is of a time before they were written."""
    names = _about(path).get("attributes")
    return None if names is None else tuple(names)


def intact(path: str | Path, run: str | Path) -> str:
    """The SHA-256 of weights that are as their training left them, by its `run.json`.

    Raises:
        UserError: the file was cut short, damaged or replaced, or `run` does not say what the training wrote.
    """
    recorded = read_run(run).weights_sha256
    if recorded is None:
        raise UserError(
            f"{run}: does not say which weights the training wrote (weights_sha256). Copy it again from where it came, "
            "or delete it: then the same command trains this run anew."
        )
    digest = sha256(path)
    if digest != recorded:
        raise UserError(
            f"{path}: is not the file that the training wrote (its SHA-256 is {digest[:16]}…, {run} names another). "
            "Copy it again from where it came, or delete it: then the same command trains this run anew."
        )
    return digest


def _about(path: str | Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            found = file.metadata() or {}
    except SafetensorError as error:
        raise UserError(f"{path}: not a whole safetensors file ({error}). Copy it again from where it came.") from None
    if "vaematrix" not in found:
        raise UserError(f"{path}: does not say which model these weights are of. Give a model.safetensors of a run.")
    return json.loads(found["vaematrix"])
