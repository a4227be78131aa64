"""The demo's faces: portraits drawn from random parameters, written in exactly CelebA's layout.

Who is drawn is decided in :mod:`vaematrix.portraits.parameters`, how in :mod:`vaematrix.portraits.painting`.
"""

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from PIL import Image

from vaematrix.common.errors import UserError
from vaematrix.common.files import write_text, written_whole
from vaematrix.data.counts import drawn_splits
from vaematrix.data.layout import ATTRIBUTES, SPLITS
from vaematrix.portraits.painting import paint
from vaematrix.portraits.parameters import attributes, sample_parameters

QUALITY = 92  # of the JPEGs
FEWEST, MOST = 10, 999_999  # each split needs a face; CelebA's names have six digits
BATCH = 50  # faces handed to a process at a time
DRAWN_AT = (2015, 9, 29, 0, 0, 0)  # the date of CelebA's own members; a fixed one keeps the zip's bytes equal


def draw_faces(folder: Path, count: int, seed: int, processes: int = 1) -> None:
    """Write `img_align_celeba.zip`, `list_attr_celeba.txt` and `list_eval_partition.txt` into `folder`.

    The same seed gives the same bytes, whatever the number of processes.

    Args:
        folder: created if it is missing.
        count: number of faces; about 70/15/15 % of them go to train, valid and test, in this order.
        seed: face number i (from 1) is drawn from `numpy.random.SeedSequence([seed, i])` alone.
        processes: how many draw at the same time.

    Raises:
        UserError: `count` leaves a split empty or has more than six digits; no space left.
    """
    if not FEWEST <= count <= MOST:
        raise UserError(f"{count:,} faces cannot be drawn: ask for a number from {FEWEST} to {MOST:,}.")
    folder = Path(folder)
    names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    rows = []
    with (
        written_whole(folder / "img_align_celeba.zip") as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, (jpeg, labels) in zip(names, _drawn(count, seed, processes), strict=True):
            archive.writestr(zipfile.ZipInfo(f"img_align_celeba/{name}", DRAWN_AT), jpeg)
            rows.append(f"{name} {labels}")
    # The official file has a space after the last name, too.
    write_text(folder / "list_attr_celeba.txt", "\n".join([str(count), " ".join(ATTRIBUTES) + " ", *rows, ""]))
    partition = [f"{name} {split}\n" for name, split in zip(names, _splits(count), strict=True)]
    write_text(folder / "list_eval_partition.txt", "".join(partition))


def draw_face(seed: int, number: int) -> tuple[bytes, str]:
    """Face `number` as JPEG, and its 40 attributes as they stand in a row of CelebA's list."""
    face = sample_parameters(np.random.default_rng(np.random.SeedSequence([seed, number])))
    file = io.BytesIO()
    Image.fromarray(paint(face)).save(file, "JPEG", quality=QUALITY)
    drawn = attributes(face)
    return file.getvalue(), " ".join(" 1" if drawn.get(name, False) else "-1" for name in ATTRIBUTES)


def _drawn(count: int, seed: int, processes: int) -> Iterator[tuple[bytes, str]]:
    """All faces in order."""
    numbers = range(1, count + 1)
    if processes == 1:
        yield from map(draw_face, repeat(seed), numbers)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(draw_face, repeat(seed), numbers, chunksize=BATCH)


def _splits(count: int) -> list[int]:
    """0 for train, then 1 for valid, then 2 for test."""
    return [SPLITS[split] for split, faces in drawn_splits(count).items() for _ in range(faces)]
