"""Models by the name of their family, and their weights as safetensors that say what they are."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vaematrix.common.errors import UserError
from vaematrix.common.files import read_json, sha256, written_whole
from vaematrix.models import families
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.networks import Network


def build(family: str, network: Network, sigma: float | None, options: dict[str, Any]) -> Autoencoder:
    """A model of a family with fresh weights from torch's global generator, in channels_last layout."""
    return Autoencoder(network, sigma, families.create(family, options)).to(memory_format=torch.channels_last)


def save(path: str | Path, model: Autoencoder, configuration: dict[str, Any]) -> None:
    """Write the weights; `configuration` is what :func:`build` takes, with the network as a dictionary."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata={"vaematrix": json.dumps(configuration, sort_keys=True)})


def load(path: str | Path, device: torch.device) -> Autoencoder:
    """The model that :func:`save` wrote, in evaluation mode on `device`."""
    with safe_open(path, framework="pt") as file:
        configuration = json.loads(file.metadata()["vaematrix"])
    network = Network(**configuration.pop("network"))
    model = build(network=network, **configuration)
    model.load_state_dict(load_file(path))
    return model.to(device).eval()


def intact(path: str | Path, run: str | Path) -> str:
    """The SHA-256 of weights that are as their training left them, by its `run.json`.

    Raises:
        UserError: the file was cut short, damaged or replaced.
    """
    digest = sha256(path)
    if digest != read_json(run)["weights_sha256"]:
        raise UserError(
            f"{path}: is not the file that the training wrote (its SHA-256 is {digest[:16]}…, {run} names another). "
            "Copy it again from where it came, or delete it: then the same command trains this run anew."
        )
    return digest
