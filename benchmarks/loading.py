"""Loading a split for training, seconds: ours beside a torch DataLoader over the same faces, one pass each.

Ours reads prepared shards into one array (`read_faces`). The DataLoader reads, crops, resizes and converts JPEG files
with torchvision, as most people write it; "DataLoader, 64x64" reads PNG files that were cropped and resized before.
Both run in batches of 128 with the number of workers that was fastest here, and their batches are kept nowhere.

Limit: "bytes", reading the files of ours once into new memory. All files lie in the page cache.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import harness
import numpy as np
import peers
from harness import Case, Row, Target
from PIL import Image
from torch.utils.data import DataLoader

from vaematrix.common.images import write_images
from vaematrix.data.layout import ATTRIBUTES
from vaematrix.data.shards import read_faces

SHARDS = 8


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 11
    count = 256 if options.quick else 162770 if options.gpu else 8192
    row = Row("loading", "s", "lower", f"{count} images of 64x64; up to {rounds} rounds", options)
    with tempfile.TemporaryDirectory() as name:
        files = harness.face_files(count)
        shards, small = prepare(Path(name), harness.decoded(files))
        sides = {
            "ours": (ours, shards),
            "DataLoader": (loader, files),
            "DataLoader, 64x64": (loader, [small[number % len(small)] for number in range(count)]),
            "bytes": (reading, shards),
        }
        targets = [Target("ours / bytes", "<=", 2), Target("ours / DataLoader", "<=", 1)]
        with harness.apart(sides) as measured:
            values = harness.alternate(measured, rounds)
    row.cases.append(Case(f"{count} images", values, targets))
    harness.write(row)


def prepare(folder: Path, images: np.ndarray) -> tuple[list[Path], list[Path]]:
    """The images as shards, and the different ones among them as PNG files."""
    shards = [folder / f"shard-{number}.parquet" for number in range(SHARDS)]
    for path, part in zip(shards, np.array_split(images, SHARDS), strict=True):
        attributes = np.zeros((len(ATTRIBUTES), len(part)), bool)
        columns = {"image_id": ["000001.jpg"] * len(part), "split": np.zeros(len(part), np.int8)}
        write_images(path, part, {**columns, **dict(zip(ATTRIBUTES, attributes, strict=True))}, {})
    small = [folder / f"{number}.png" for number in range(min(len(images), harness.DRAWN))]
    for path, image in zip(small, images, strict=False):
        Image.fromarray(image).save(path)
    return shards, small


def ours(shards: Sequence[Path]) -> Callable[[], float]:
    return lambda: harness.seconds(lambda: read_faces(shards, "train"))


def reading(shards: Sequence[Path]) -> Callable[[], float]:
    return lambda: harness.seconds(lambda: [path.read_bytes() for path in shards])


def loader(files: Sequence[Path]) -> Callable[[], float]:
    """With the best number of workers of none and up to one a core, which a pass over the files finds out."""
    passes = [one_pass(files, workers) for workers in range(harness.CORES + 1)]
    for measure in passes:
        measure()  # starts the workers
    return min(passes, key=lambda measure: measure())


def one_pass(files: Sequence[Path], workers: int) -> Callable[[], float]:
    fork = multiprocessing.get_context("fork") if workers else None
    batches = DataLoader(
        peers.Files(files, 64), 128, num_workers=workers, persistent_workers=workers > 0, multiprocessing_context=fork
    )
    return lambda: harness.seconds(lambda: [None for batch in batches if not len(batch)])


if __name__ == "__main__":
    main()
