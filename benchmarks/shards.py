"""Preparing shards, images/s: ours beside torchvision's CelebA with CenterCrop, Resize and ToTensor.

All take the same JPEGs of 178x218 pixels from the page cache, cut out the centre 140x140 and resize it to 64x64. Ours
reads them from a zip and writes parquet; its time is that of all a job of the workflow does, down to the file's fsync.
torchvision reads single files and gives float32 tensors that are kept nowhere; on several cores, a DataLoader with as
many workers. Each side is held to as many cores as the case says. A core more is a process and a shard more for ours.

Limit: "decoding", libjpeg-turbo alone (simplejpeg) decoding the same JPEGs whole, from memory to memory.

The faces are the first of those in $VAEMATRIX_FACES, a folder in CelebA's layout, else drawn ones.
"""

import multiprocessing
import os
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import harness
import numpy as np
import simplejpeg
from harness import Case, Row, Target
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from vaematrix.data.index import index_faces, write_index
from vaematrix.data.layout import ATTRIBUTES, locate, open_images
from vaematrix.data.shards import build_shard

HEIGHT, WIDTH = 218, 178
FORK = multiprocessing.get_context("fork")  # a worker that starts anew imports torch first, for seconds
TARGETS = [Target("ours / torchvision", ">=", 2.5), Target("ours / decoding", ">=", 0.8)]


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 5
    real = os.environ.get("VAEMATRIX_FACES")
    if not real:
        harness.face_files(1)
    with tempfile.TemporaryDirectory() as name:
        celeba = Path(name) / "celeba"
        count = lay_out(Path(real or harness.CACHE / "faces"), celeba, 64 if options.quick else 8192)
        sizes = f"{count} {'real' if real else 'drawn'} faces; up to {rounds} rounds over all of them"
        row = Row("shards", "images/s", "higher", sizes, options)
        for cores in sorted({1, harness.CORES}):
            sides = {side: (rate, side, celeba, cores) for side in SIDES}
            with harness.apart(sides) as measured:
                values = harness.alternate(measured, rounds)
            row.cases.append(Case(f"{cores} core{'s' * (cores > 1)}", values, TARGETS))
    harness.write(row)


def lay_out(faces: Path, celeba: Path, most: int) -> int:
    """Put the first faces into `celeba` as a zip and as files, with the five lists that torchvision reads."""
    with open_images(locate(faces)) as images:
        jpegs = [images.read(member) for member in images.members()[:most]]
    names = [f"{number:06d}.jpg" for number in range(1, len(jpegs) + 1)]
    celeba.mkdir()
    with zipfile.ZipFile(celeba / "img_align_celeba.zip", "w") as archive:
        for name, jpeg in zip(names, jpegs, strict=True):
            archive.writestr(f"img_align_celeba/{name}", jpeg)
        archive.extractall(celeba)
    splits = [0] * (len(names) - 2) + [1, 2]
    write_list(celeba / "list_eval_partition.txt", names, splits)
    write_list(celeba / "identity_CelebA.txt", names, [1] * len(names))
    for file, header in (
        ("list_attr_celeba.txt", " ".join(ATTRIBUTES)),
        ("list_bbox_celeba.txt", "image_id x_1 y_1 width height"),
        ("list_landmarks_align_celeba.txt", "x y " * 5),
    ):
        write_list(celeba / file, names, [" ".join(["-1"] * len(ATTRIBUTES))] * len(names), f"{len(names)}\n{header}\n")
    write_index(celeba / "index.parquet", index_faces(locate(celeba)), {})
    return len(names)


def write_list(path: Path, names: list[str], values: list[object], header: str = "") -> None:
    path.write_text(header + "".join(f"{name} {value}\n" for name, value in zip(names, values, strict=True)))


def rate(side: str, celeba: Path, cores: int) -> Callable[[], float]:
    """Images a second over all faces on the first `cores` cores of this process."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    count, work = len(files(celeba)), SIDES[side](celeba, cores)
    return lambda: count / harness.seconds(work)


def files(celeba: Path) -> list[Path]:
    return sorted((celeba / "img_align_celeba").iterdir())


def ours(celeba: Path, cores: int) -> Callable[[], object]:
    processes = FORK.Pool(cores)
    return lambda: processes.map(partial(build, celeba, cores), range(cores), 1)


def build(celeba: Path, shards: int, shard: int) -> None:
    output = celeba / f"shard-{shard}.parquet"
    build_shard(celeba / "index.parquet", locate(celeba), shard, shards, output, crop=harness.CROP, size=64)


def torchvision(celeba: Path, cores: int) -> Callable[[], object]:
    steps = [transforms.CenterCrop(harness.CROP), transforms.Resize(64), transforms.ToTensor()]
    dataset = CelebA(str(celeba.parent), "all", transform=transforms.Compose(steps))
    if cores == 1:
        return lambda: [None for number in range(len(dataset)) if not dataset[number]]
    loader = DataLoader(dataset, 128, num_workers=cores, persistent_workers=True, multiprocessing_context=FORK)
    return lambda: [None for batch in loader if not batch]


class CelebA(datasets.CelebA):
    def _check_integrity(self) -> bool:
        """Its lists have the MD5 sums of the whole CelebA's."""
        return True


def decoding(celeba: Path, cores: int) -> Callable[[], object]:
    processes = FORK.Pool(cores, load, (celeba,))
    return lambda: processes.map(partial(decode, cores), range(cores), 1)


jpegs: list[bytes]


def load(celeba: Path) -> None:
    global jpegs
    jpegs = [file.read_bytes() for file in files(celeba)]


def decode(parts: int, part: int) -> None:
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for jpeg in jpegs[part::parts]:
        simplejpeg.decode_jpeg(jpeg, buffer=image)


SIDES: dict[str, Callable[[Path, int], Callable[[], object]]] = {
    "ours": ours,
    "torchvision": torchvision,
    "decoding": decoding,
}

if __name__ == "__main__":
    main()
