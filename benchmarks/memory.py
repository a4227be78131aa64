"""Memory of a training on 202,599 images of 64x64, in multiples of the split's own bytes, the least that it can need.

The images are drawn faces, repeated. "ours" is the most that the host's memory held of a process that reads the split
from parquet shards and trains some steps; "libraries" is the same with 1,024 images: what Python and torch need in any
case. With --gpu, torch is held to 8 GB of the GPU's memory, once as it comes and once with the GPU so full that the
split stays in host memory and is streamed.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import harness
import numpy as np
import torch
from harness import Case, Row, Target
from loading import prepare
from scaling import NARROW, WIDE, Part

from training import epoch
from vaematrix.common.devices import peak_memory_mb
from vaematrix.data.batches import Batches
from vaematrix.data.shards import read_faces
from vaematrix.models import weights
from vaematrix.models.architecture import Network

BATCH, STEPS, GPU_BYTES = 64, 4, 8 * 10**9
ALLOWED = 1.3


def main() -> None:
    options = harness.options(__doc__)
    count = 20_480 if options.quick else 202_599
    row = Row("memory", "x the split", "lower", f"{count} images of 64x64, {STEPS} steps of {BATCH}", options)
    with tempfile.TemporaryDirectory() as name:
        folders = {images: Path(name) / str(images) for images in (count, harness.DRAWN)}
        for images, folder in folders.items():
            folder.mkdir()
            # In a process of its own: Linux hands a process's peak down to those that it starts.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                pool.submit(lay_out, folder, images).result()
        for free in (GPU_BYTES, 10**9) if options.gpu else (0,):
            split = count * 64 * 64 * 3
            sides = {
                "ours": (peak, sorted(folders[count].glob("*.parquet")), split, free),
                "libraries": (peak, sorted(folders[harness.DRAWN].glob("*.parquet")), split, free),
            }
            with harness.apart(sides) as measured:  # a peak cannot be measured twice in one process
                values = {side: [measure()] for side, measure in measured.items()}
            values["allowed"] = [ALLOWED]
            case = f"GPU with {free / 1e9:g} GB free" if options.gpu else "CPU"
            row.cases.append(Case(case, values, [Target("ours / allowed", "<=", 1)]))
    harness.write(row)


def lay_out(folder: Path, images: int) -> None:
    prepare(folder, harness.decoded(harness.face_files(images)))


def peak(shards: Sequence[Path], split_bytes: int, free: int) -> Callable[[], float]:
    device = harness.device(free > 0)
    if device.type == "cuda":
        total = torch.cuda.mem_get_info(device)[1]
        torch.cuda.set_per_process_memory_fraction(GPU_BYTES / total, device)
        torch.cuda.mem_get_info = lambda device=None: (free, GPU_BYTES)

    def run() -> float:
        faces = read_faces(shards, "train")
        network = Network(64, WIDE if device.type == "cuda" else NARROW, 64, faces.attributes.shape[1])
        model = weights.build("vae", network, None, {}).to(device)
        split = Batches(faces.images, faces.attributes, device)
        part = Part(split, len(faces.images) // (BATCH * STEPS))
        valid = Batches(faces.images[:2], np.zeros((2, faces.attributes.shape[1]), bool), device)
        epoch(model, part, valid, BATCH)
        return peak_memory_mb(torch.device("cpu")) * 1e6 / split_bytes

    return run


if __name__ == "__main__":
    main()
