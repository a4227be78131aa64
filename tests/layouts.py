"""Tiny data sets in CelebA's layout, to be spoiled by the tests."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("Bald", "Smiling", "Young")


def picture(
    seed: int, width: int = 178, height: int = 218, mode: str = "RGB", format: str = "JPEG", **options
) -> bytes:
    """A smooth random picture as a file's bytes."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    """A zip of stored members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def write_layout(folder: Path, count: int = 6, images: dict[str, bytes] | None = None, names=NAMES) -> Path:
    """`count` faces, a third of them in each split; attribute j of face i is set where (i + j) is even.

    Args:
        images: file name -> bytes that replace those of the face so named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    pictures = {id_: picture(row) for row, id_ in enumerate(ids)} | (images or {})
    write_zip(folder / "img_align_celeba.zip", {f"img_align_celeba/{id_}": pictures[id_] for id_ in ids})
    rows = [
        id_ + "".join("  1" if (row + column) % 2 == 0 else " -1" for column in range(len(names)))
        for row, id_ in enumerate(ids)
    ]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(count), " ".join(names) + " ", *rows, ""]))
    splits = [f"{id_} {row * 3 // count}\n" for row, id_ in enumerate(ids)]
    (folder / "list_eval_partition.txt").write_text("".join(splits))
    return folder
