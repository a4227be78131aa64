"""Where an interrupted training continues: the whole state, written whole or not at all."""

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from vaematrix.common import slurm
from vaematrix.common.errors import PassingError, UserError
from vaematrix.common.files import read_json, write_json, written_whole

log = logging.getLogger("vaematrix.training.checkpoint")

# A scheduler may start a job anew before the old one has gone, and a dead node's locks live on for a while on NFS.
LEAVING_SECONDS = 120.0
AVERAGE = "average"  # before the names of its tensors, where others have their objective's


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        step: optimiser steps done, over all epochs.
        sums: float64 [terms], the sums of the loss terms over the steps of the current epoch.
        seconds: training time of the current epoch so far.
        history: one record for each finished epoch.
        total_seconds: training and validation time over all sessions.
        sessions: how many processes have worked on this run.
        parameters: how many numbers are trained, those of a discriminator among them.
        concerns: what the last finished epoch had that bodes ill, in words.
    """

    step: int
    sums: Tensor
    seconds: float = 0.0
    total_seconds: float = 0.0
    sessions: int = 1
    parameters: int = 0
    concerns: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


class Optimised(NamedTuple):
    """What an objective moves, and what moves it."""

    module: nn.Module
    optimiser: Optimizer


def save(path: Path, optimised: Mapping[str, Optimised], progress: Progress, average: nn.Module | None = None) -> None:
    """Write modules, optimisers, the average of the weights and progress to `path` as one safetensors file.

    Args:
        optimised: by the name of the objective. Tensors are named after it and their parameter.
    """
    tensors = {"sums": progress.sums}
    for objective, (module, optimiser) in optimised.items():
        tensors |= {f"{objective}.module.{name}": tensor for name, tensor in module.state_dict().items()}
        for name, parameter in module.named_parameters():
            for moment, tensor in optimiser.state[parameter].items():
                tensors[f"{objective}.optimiser.{name}.{moment}"] = tensor
    if average:
        tensors |= {f"{AVERAGE}.{name}": tensor for name, tensor in average.state_dict().items()}
    words = {key: value for key, value in asdict(progress).items() if key != "sums"}
    with written_whole(path) as temporary:
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(whole, temporary, metadata={"progress": json.dumps(words)})


def load(path: Path, optimised: Mapping[str, Optimised], average: nn.Module | None = None) -> Progress:
    """Put the state in `path` into modules, optimisers and average, in the memory layout that training uses.

    Raises:
        UserError: the file is damaged, or the state of another model.
    """
    try:
        return _load(path, optimised, average)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: no training can continue from this checkpoint ({reason}). Delete it to start this run anew."
        ) from error


def _load(path: Path, optimised: Mapping[str, Optimised], average: nn.Module | None) -> Progress:
    with safe_open(path, framework="pt") as file:
        words = json.loads((file.metadata() or {})["progress"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    sums = tensors.pop("sums")
    if average:
        average.load_state_dict(_below(AVERAGE, tensors))
    if unknown := {name.partition(".")[0] for name in tensors} - {AVERAGE} ^ optimised.keys():
        raise ValueError(f"the objectives differ: {', '.join(sorted(unknown))}")
    for objective, (module, optimiser) in optimised.items():
        module.load_state_dict(_below(f"{objective}.module", tensors))
        for name, parameter in module.named_parameters():
            for moment, tensor in _below(f"{objective}.optimiser.{name}", tensors).items():
                if tensor.shape not in (parameter.shape, ()):
                    raise ValueError(f"{name} has the shape {tuple(tensor.shape)}, not {tuple(parameter.shape)}")
                # The fused optimiser walks parameter and moments side by side in memory, so their strides must agree.
                like = parameter if tensor.shape == parameter.shape else tensor.to(parameter.device)
                optimiser.state[parameter][moment] = torch.empty_like(
                    like, dtype=tensor.dtype, requires_grad=False
                ).copy_(tensor)
    device = next(parameter.device for module, _ in optimised.values() for parameter in module.parameters())
    return Progress(sums=sums.to(device), **words)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix` and a dot, by the rest of their names."""
    return {
        name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")
    }


@contextmanager
def one_process(run: Path) -> Iterator[None]:
    """Hold the run in folder `run` for this process alone; the operating system lets go when the process dies.

    Raises:
        PassingError: another process trains this run; it says which.
    """
    run.mkdir(parents=True, exist_ok=True)
    holder = run / ".train.json"
    lock = FileLock(run / ".train.lock")
    try:
        lock.acquire(timeout=LEAVING_SECONDS if "SLURM_JOB_ID" in os.environ else 0)
    except Timeout:
        other = ", ".join(f"{name} {value}" for name, value in read_json(holder).items()) if holder.exists() else "?"
        raise PassingError(
            f"{run}: this run is being trained by another process already ({other}). "
            "Wait for it or stop it, then run the same command again: training continues from its last checkpoint."
        ) from None
    try:
        write_json(holder, {**slurm.here(), "pid": os.getpid()})
        yield
    finally:
        lock.release()


def clear(run: Path) -> None:
    """Remove all checkpoints of the finished run in folder `run`; call it when its weights are known to be complete."""
    with one_process(run):
        for folder in run.glob("checkpoint-*"):
            if folder.is_symlink():  # to a scratch disk, say: not ours to empty
                log.info("%s was a link; what it led to is left where it is: %s", folder, folder.resolve())
                folder.unlink()
            else:
                shutil.rmtree(folder)
