"""How a sampler that is a network learns: on the CPU, resumable, and judged by codes that are held back.

The networks are small and the codes few, so that a CPU needs a minute or two and gives the same numbers everywhere.
Codes are drawn anew from the posteriors in each epoch: there are more of them than faces. Each random number is a
function of the epoch alone, so that a fit that was killed and continued ends in the same weights.
"""

import logging
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from vaematrix.common.errors import Interrupted, UserError
from vaematrix.generation.linear_gaussian import LinearGaussian
from vaematrix.generation.posteriors import Posteriors, State
from vaematrix.generation.sampler import Place
from vaematrix.models.networks import signed
from vaematrix.training import checkpoint
from vaematrix.training.checkpoint import Optimised, Progress
from vaematrix.training.interruption import Interruption
from vaematrix.training.loop import CHECKPOINT_SECONDS
from vaematrix.training.schedule import half_cosine

log = logging.getLogger("vaematrix.generation.density_network")

HELD_BACK = 10  # one code in so many trains nothing, and says which epoch's weights are kept
BATCH = 256
_NETWORK = "network."

Loss = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""(u [b, latent], y [b, k] in {-1, 1}, source of random numbers) → the loss of each, [b]."""


@dataclass(frozen=True)
class Schedule:
    """Passes over the codes, and Adam's learning rate at the beginning; it falls to zero along a half cosine."""

    epochs: int
    learning_rate: float


def fit_network(
    network: nn.Module, loss: Loss, train: Posteriors, gaussian: LinearGaussian, schedule: Schedule, place: Place
) -> Mapping[str, Any]:
    """Train `network` in place, from the checkpoint where there is one.

    It ends with the weights of the epoch at whose end the loss of the codes held back was lowest.

    Returns:
        What the protocol says of it.

    Raises:
        UserError: the loss is no number any more.
        Interrupted: SIGTERM or SIGINT arrived, or it is time to stop; the state is saved.
    """
    held_back = np.arange(len(train)) % HELD_BACK == 0
    best = deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), schedule.learning_rate)
    state = {"codes": Optimised(network, optimiser)}
    progress = Progress(step=0, sums=torch.zeros(0))
    if place.checkpoint and place.checkpoint.exists():
        progress = checkpoint.load(place.checkpoint, state, best)
        log.info("continuing after %d epochs, from %s", len(progress.history), place.checkpoint)
    epochs = range(len(progress.history), schedule.epochs)
    with Interruption(CHECKPOINT_SECONDS, place.stop_at) as interruption:
        for epoch in tqdm(epochs, desc="codes", unit="epoch", disable=None):
            for group in optimiser.param_groups:
                group["lr"] = schedule.learning_rate * half_cosine(epoch / schedule.epochs)
            white, labels = white_codes(train, gaussian, epoch)
            _train_epoch(loss, optimiser, white[~held_back], labels[~held_back], epoch)
            value = _mean_loss(loss, white[held_back], labels[held_back])
            if not math.isfinite(value):
                raise UserError(f"the fit broke in epoch {epoch + 1}: its loss is {value}. Lower its learning_rate.")
            if value < min((record["held_back"] for record in progress.history), default=math.inf):
                best.load_state_dict(network.state_dict())
            progress.history.append({"held_back": value})
            reason = interruption.reason_to_stop()
            if place.checkpoint and (reason or interruption.checkpoint_is_due()):
                checkpoint.save(place.checkpoint, state, progress, best)
                interruption.note_saved()
            if reason:
                raise Interrupted(f"stopped by {reason} after epoch {epoch + 1}; the same command continues.")
    network.load_state_dict(best.state_dict())
    losses = [record["held_back"] for record in progress.history]
    return {"held_back": int(held_back.sum()), "epochs": len(losses), "kept_epoch": 1 + losses.index(min(losses))}


def white_codes(of: Posteriors, gaussian: LinearGaussian, epoch: int) -> tuple[Tensor, Tensor]:
    """Whitened codes drawn for an epoch, float32 [n, latent], and labels in {-1, 1}, float32 [n, k]."""
    white = gaussian.whiten(of.draw(0, epoch), of.labels)
    return torch.from_numpy(white).float(), label_tensor(of.labels)


def label_tensor(labels: np.ndarray) -> Tensor:
    """Labels, bool [n, k], as networks see them: float32 in {-1, 1}."""
    return signed(torch.from_numpy(labels))


def network_state(network: nn.Module) -> State:
    """A network's weights and buffers as arrays."""
    return {f"{_NETWORK}{name}": tensor.detach().numpy() for name, tensor in network.state_dict().items()}


def load_network_state(network: nn.Module, state: State) -> None:
    """Put what :func:`network_state` gave into a network of the same shape, and set it to evaluation."""
    network.load_state_dict(
        {
            name.removeprefix(_NETWORK): torch.from_numpy(np.array(array))
            for name, array in state.items()
            if name.startswith(_NETWORK)
        }
    )
    network.eval()


def _train_epoch(loss: Loss, optimiser: torch.optim.Optimizer, white: Tensor, labels: Tensor, epoch: int) -> None:
    generator = torch.Generator().manual_seed(epoch)
    for rows in torch.randperm(len(white), generator=generator).split(BATCH):
        optimiser.zero_grad(set_to_none=True)
        loss(white[rows], labels[rows], generator).mean().backward()
        optimiser.step()


@torch.no_grad()
def _mean_loss(loss: Loss, white: Tensor, labels: Tensor) -> float:
    return float(loss(white, labels, torch.Generator().manual_seed(0)).mean())
