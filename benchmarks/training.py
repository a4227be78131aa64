"""Training, images/s: ours beside pythae's BaseTrainer and Lightning with a DataLoader over image files.

All train the same network by the same loss with Adam on the same faces, in float32 on the CPU and under bfloat16
autocast on a GPU; one epoch is timed, without validation and saving. pythae has the images in memory as float32
tensors, as its documentation shows; Lightning reads, crops, resizes and converts JPEG files with torchvision in worker
processes, as most people write it.

Limits: "matrix limit", the step's FLOPs at the fastest rate measured for a large matrix product; "copy limit", the
fewest bytes that a step moves at the measured copy rate (each layer's output once written and once read forwards,
the same of its gradient backwards; weights, gradients and both moments once read and once written).
"""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np
import peers
import torch
from harness import Case, Row, Target
from torch import Tensor, nn

from vaematrix.data.batches import Batches
from vaematrix.models import weights
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.training import compilation
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings

NARROW, WIDE = (32, 64, 128, 256), (128, 256, 512, 1024)
BATCHES = (64, 128)


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 5
    images = {NARROW: 8192, WIDE: 8192} if options.gpu else {NARROW: 2048, WIDE: 384}
    if options.quick:
        images = dict.fromkeys(images, max(BATCHES))
    sizes = f"64x64, latent 64; up to {rounds} rounds of one epoch: {images[NARROW]} images narrow, {images[WIDE]} wide"
    row = Row("training", "images/s", "higher", sizes, options)
    for widths, batch in itertools.product(images, BATCHES):
        network, files = Network(64, widths, 64, 40), harness.face_files(images[widths])
        size = network, batch, harness.decoded(files), options.gpu
        sides = {"ours": (ours, *size)}
        if harness.installed("pythae"):
            sides["pythae"] = (peers.pythae_training, *size)
        if harness.installed("lightning"):
            sides["Lightning"] = (peers.lightning_training, network, batch, files, options.gpu)
        sides["matrix limit"] = (matrix_limit, network, options.gpu)
        sides["copy limit"] = (copy_limit, network, batch, options.gpu)
        with harness.apart(sides) as measured:
            values = harness.alternate(measured, rounds)
        row.cases.append(Case(f"{'-'.join(map(str, widths))}, batch {batch}", values, targets(widths, options.gpu)))
    harness.write(row)


def targets(widths: tuple[int, ...], gpu: bool) -> list[Target]:
    if not gpu:
        return [Target("ours / pythae", ">=", 2)]
    return [Target("ours / pythae", ">=", 10), *[Target("ours / matrix limit", ">=", 0.35)] * (widths == WIDE)]


def ours(network: Network, batch: int, images: np.ndarray, gpu: bool) -> Callable[[], float]:
    device = harness.device(gpu)
    split, valid = (Batches(part, np.zeros((len(part), 40), bool), device) for part in (images, images[:2]))
    model = weights.build("vae", network, None, {}).to(device)
    compilation.STEPS = 0  # as in a training that is long enough to be compiled
    return lambda: epoch(model, split, valid, batch)


def epoch(model: Autoencoder, split: Batches, valid: Batches, batch: int) -> float:
    """Train for one epoch, in images/s."""
    with tempfile.TemporaryDirectory() as name:
        folder, settings = Path(name), Settings(1, batch, peers.LEARNING_RATE)
        progress = training.train(model, split, valid, settings, 0, folder / "checkpoint", folder / "history.jsonl")
    return progress.history[0]["images_per_second"]


def matrix_limit(network: Network, gpu: bool) -> Callable[[], float]:
    device, flops = harness.device(gpu), flops_per_image(network)
    return lambda: harness.matrix_rate(device) / flops


def copy_limit(network: Network, batch: int, gpu: bool) -> Callable[[], float]:
    device, moved = harness.device(gpu), bytes_per_image(network, batch, 2 if gpu else 4)
    return lambda: harness.copy_rate(device) / moved


def one_loss(network: Network, batch: int) -> Tensor:
    model = weights.build("vae", network, None, {})
    x, y, noise = torch.rand(batch, 3, 64, 64), torch.zeros(batch, 40), torch.zeros(2, batch, network.latent)
    return model.loss(x, y, noise, torch.zeros(()))["loss"]


def flops_per_image(network: Network) -> float:
    """Of a forward and a backward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        one_loss(network, 2).backward()
    return counter.get_total_flops() / 2


def bytes_per_image(network: Network, batch: int, width: int) -> float:
    """The fewest of a step, as said above. Args: width, bytes of an activation; weights are float32."""
    values = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal values
        values += output.numel() * isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d)

    with nn.modules.module.register_module_forward_hook(count):
        one_loss(network, 2)
    parameters = sum(parameter.numel() for parameter in weights.build("vae", network, None, {}).parameters())
    return 4 * width * values / 2 + 8 * 4 * parameters / batch


if __name__ == "__main__":
    main()
