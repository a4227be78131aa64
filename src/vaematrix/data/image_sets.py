"""Anybody's images as one array: a folder or a zip of JPEG and PNG, parquet, npy, or an array."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from tqdm import tqdm

from vaematrix.common.errors import UserError
from vaematrix.common.images import read_images
from vaematrix.data.containers import BadImage, FolderImages, ZipImages
from vaematrix.data.decode import decode
from vaematrix.data.layout import SPLITS

ImageSet = np.ndarray | str | Path
"""Images, or where they lie."""


def read_image_set(images: ImageSet, split: str | None = None) -> np.ndarray:
    """All images of a set, in the order of their names or rows; nothing is cropped or resized.

    Args:
        images: uint8 [n, h, w, 3]; or the path of a folder or zip of JPEG and PNG, of a parquet file that vaematrix
            wrote, of a folder of such files (shards), or of a .npy file.
        split: "train", "valid" or "test", of shards.

    Returns:
        uint8 [n, h, w, 3], RGB.

    Raises:
        UserError: there are no images, they cannot be read, are of several sizes, or of several splits.
    """
    if isinstance(images, str | Path):
        found = _read(Path(images).expanduser(), split)
    elif split:
        raise UserError(f"split {split!r} is of parquet files, and these images are an array.")
    else:
        found = np.asarray(images)
    where = images if isinstance(images, str | Path) else "the array"
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[3] != 3 or not len(found):
        raise UserError(
            f"{where}: images must be uint8 [n, height, width, 3] with values from 0 to 255, not {found.dtype} "
            f"{list(found.shape)}. Quantise them as they would be saved: (x * 255).round().astype('uint8')."
        )
    return found


def _read(path: Path, split: str | None) -> np.ndarray:
    if not path.exists():
        raise UserError(f"{path}: not found. Give a folder or a zip of images, a .parquet or a .npy file.")
    tables = [path] if path.suffix == ".parquet" else sorted(path.glob("*.parquet")) if path.is_dir() else []
    if tables:
        return _read_parquet(path, tables, split)
    if split:
        raise UserError(f"{path}: split {split!r} is of parquet files with a column `split`, and there are none here.")
    if path.suffix == ".npy":
        try:
            return np.load(path, mmap_mode="c", allow_pickle=False)  # torch warns of what it could not write to
        except (ValueError, EOFError) as error:
            raise UserError(f"{path}: is not an array of numbers ({error}). Write it with numpy.save.") from None
    return np.stack(list(_decoded(FolderImages(path) if path.is_dir() else ZipImages(path))))


def _read_parquet(path: Path, tables: list[Path], split: str | None) -> np.ndarray:
    """Parquet of :mod:`vaematrix.common.images`; what else lies beside it, such as features, is left alone."""
    try:
        schemas = {table: pq.read_schema(table) for table in tables}
        ours = [t for t, schema in schemas.items() if "image" in schema.names and schema.field("image").metadata]
        if not ours:
            raise UserError(f"{path}: holds no column `image` as vaematrix writes it. Give a folder of images instead.")
        if "split" not in schemas[ours[0]].names:
            if split:
                raise UserError(f"{path}: has no column `split`; leave the split out.")
            return read_images(ours)[0]
        numbers = {
            number.as_py() for table in ours for number in pq.read_table(table, columns=["split"])["split"].unique()
        }
        names = [name for name, number in SPLITS.items() if number in numbers]
        if split not in names and (split or len(names) > 1):
            raise UserError(f"{path}: holds the splits {', '.join(names)}; name the one to judge by, such as test.")
        return read_images(ours, split=SPLITS[split or names[0]])[0]
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}. Is it parquet that vaematrix wrote?") from None


def _decoded(images: FolderImages | ZipImages) -> Iterator[np.ndarray]:
    with images:
        members = images.members()
        if not members:
            raise UserError(f"{images.path}: holds no .jpg, .jpeg or .png.")
        first: tuple[int, ...] | None = None
        for member in tqdm(members, unit="image", desc=f"reading {images.path.name}", disable=None):
            try:
                image = decode(images.read(member))
            except BadImage as bad:
                raise UserError(f"{images.where(member)} cannot be used: {bad}.") from None
            first = first or image.shape
            if image.shape != first:
                raise UserError(
                    f"{images.where(member)} has {image.shape[1]}x{image.shape[0]} pixels, and those before it "
                    f"{first[1]}x{first[0]}. Resize all alike first: how that is done changes every number."
                )
            yield image


def about(images: ImageSet, found: np.ndarray, split: str | None = None) -> dict[str, Any]:
    """What a protocol says of a set: where it came from, how many images, and their hash."""
    where = str(images) if isinstance(images, str | Path) else "array"
    digest = hashlib.sha256(found.ravel().data).hexdigest()
    return {
        "from": where,
        "split": split,
        "images": len(found),
        "size": list(found.shape[1:3]),
        "pixels_sha256": digest,
    }
