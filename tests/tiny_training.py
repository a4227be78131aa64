"""Train a tiny model, and die where told to: `python tiny_training.py FOLDER ADVERSARY [step N | write N | term N]`.

ADVERSARY is null or the options of an adversary, as JSON.

Prints the SHA-256 of the final weights.
"""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaematrix.data.batches import Batches
from vaematrix.models.architecture import Network
from vaematrix.models.weights import build
from vaematrix.training import checkpoint
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings

EPOCHS, STEPS = 3, 4  # 35 images in batches of 8


def split(n: int, seed: int) -> Batches:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    return Batches(images, generator.random((n, 3)) > 0.5, torch.device("cpu"))


def die_at(event: str, count: int) -> None:
    """Kill this process in its `count`-th step, or when half of its `count`-th checkpoint is on the disk."""
    seen = 0

    def due() -> bool:
        nonlocal seen
        seen += 1
        return seen == count

    step, save_file = training._Loop.step, checkpoint.save_file

    def dying_step(self: training._Loop, index: torch.Tensor) -> torch.Tensor:
        if due():
            os.kill(os.getpid(), signal.SIGTERM if event == "term" else signal.SIGKILL)
        return step(self, index)

    def dying_write(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        save_file(tensors, path, metadata=metadata)
        if due():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    if event == "write":
        checkpoint.save_file = dying_write
    else:
        training._Loop.step = dying_step


def main(folder: Path, family: str = "info_vae", adversary: dict[str, Any] | None = None) -> str:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = build(family, Network(16, (4, 8), 5, 3), None, {}, adversary)
    training.train(
        model,
        split(35, 0),
        split(10, 1),
        Settings(EPOCHS, 8, learning_rate=1e-3, warmup=0.3, decay="cosine", average=0.5, flip=True),
        seed=0,
        folder=folder / "checkpoint-k",
        history=folder / "history.jsonl",
        checkpoint_seconds=0,
    )
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        die_at(sys.argv[3], int(sys.argv[4]))
    print(main(Path(sys.argv[1]), adversary=json.loads(sys.argv[2])))
