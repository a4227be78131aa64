"""Inception features, images/s: ours beside the pytorch-fid program's `get_activations`.

Both compute them from the same weight file, in the layout of FID's with random weights, and of the same images; ours
takes an array, pytorch-fid PNG files, as it only can, by its own defaults (batches of 50, a worker a core up to 8).
Where the FIDs of two sets of images differ by more than 0.1 %, the program stops.

Limit: "matrix limit", the network's FLOPs at the fastest rate measured for a large matrix product: on the CPU in
float32; on a GPU in float32 too, without TF32, in which FID would be another number.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np
import torch
from harness import Case, Row, Target
from PIL import Image

from vaematrix.common.files import sha256
from vaematrix.metrics import frechet
from vaematrix.metrics.features import FeatureNetwork, inception
from vaematrix.metrics.inception_weights import hub_path


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 4
    count = 16 if options.quick else 4096 if options.gpu else 128
    row = Row("inception", "images/s", "higher", f"{count} images of 64x64; up to {rounds} rounds", options)
    with tempfile.TemporaryDirectory() as name:
        os.environ["TORCH_HOME"] = name  # where pytorch-fid looks for the weights
        write_weights(hub_path())
        images = harness.decoded(harness.face_files(count))
        files = write_files(images, Path(name))
        sides = {"ours": (ours, images, options.gpu)}
        if harness.installed("pytorch_fid"):
            sides["pytorch-fid"] = (pytorch_fid, files, options.gpu)
            refuse_difference(images, files, options.gpu)
        sides["matrix limit"] = (matrix_limit, options.gpu)
        with harness.apart(sides) as measured:
            values = harness.alternate(measured, rounds)
        target = Target("ours / pytorch-fid", ">=", 4 if options.gpu else 2.5)
        row.cases.append(Case(f"{inception.DIMS} dimensions", values, [target]))
    harness.write(row)


def write_weights(path: Path) -> None:
    """Random weights in the published file's layout."""
    torch.manual_seed(0)
    weights = {}
    for name, empty in inception._without_weights().state_dict().items():
        weights[name] = torch.zeros(empty.shape, dtype=empty.dtype)
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_uniform_(weights[name], nonlinearity="relu")
        elif name.endswith(("bn.weight", "running_var")):
            weights[name].fill_(1)
    path.parent.mkdir(parents=True)
    torch.save(weights, path)


def write_files(images: np.ndarray, folder: Path) -> list[Path]:
    files = [folder / f"{number:06d}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    return files


def network_of(gpu: bool) -> FeatureNetwork:
    return inception.load(hub_path(), harness.device(gpu), sha256(hub_path()))


def ours(images: np.ndarray, gpu: bool) -> Callable[[], float]:
    network = network_of(gpu)
    return lambda: len(images) / harness.seconds(lambda: network.features(images))


def pytorch_fid(files: list[Path], gpu: bool) -> Callable[[], float]:
    activations = activations_of_pytorch_fid(gpu)
    return lambda: len(files) / harness.seconds(lambda: activations(files))


def activations_of_pytorch_fid(gpu: bool) -> Callable[[list[Path]], np.ndarray]:
    from pytorch_fid.fid_score import get_activations
    from pytorch_fid.inception import InceptionV3

    os.environ["TQDM_DISABLE"] = "1"
    multiprocessing.set_start_method(
        "fork", force=True
    )  # the default on Linux, which the harness's processes are without
    device = harness.device(gpu)
    model = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[inception.DIMS]]).to(device)
    return lambda files: get_activations(files, model, 50, inception.DIMS, device, min(harness.CORES, 8))


def refuse_difference(images: np.ndarray, files: list[Path], gpu: bool) -> None:
    """Between the two halves of the images."""
    half = len(images) // 2
    distances = [
        frechet.distance(frechet.statistics(features[:half]), frechet.statistics(features[half:]))
        for features in (network_of(gpu).features(images), activations_of_pytorch_fid(gpu)(files))
    ]
    if abs(distances[0] - distances[1]) > 1e-3 * distances[1]:
        raise SystemExit(f"the distances differ: ours {distances[0]}, pytorch-fid's {distances[1]}")


def matrix_limit(gpu: bool) -> Callable[[], float]:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        network_of(gpu).features(np.zeros((1, 64, 64, 3), np.uint8))
    device, flops = harness.device(gpu), counter.get_total_flops()
    return lambda: (float32_rate(device) if gpu else harness.matrix_rate(device)) / flops


def float32_rate(gpu: torch.device) -> float:
    """FLOP/s of a large product in float32, which the harness measures on the CPU only."""
    size = 8192
    a, b = torch.randn(2, size, size, device=gpu)
    return 2 * size**3 / min(harness.seconds(lambda: a @ b) for _ in range(10))


if __name__ == "__main__":
    main()
