"""Images in CelebA's layout become parquet shards; shards become arrays."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from vaematrix.common.errors import UserError
from vaematrix.common.images import read_images, read_metadata, read_table, write_images
from vaematrix.data.containers import BadImage
from vaematrix.data.decode import centre, decode
from vaematrix.data.fingerprint import unchanged
from vaematrix.data.index import COLUMNS, LEAST_IMAGES, read_index
from vaematrix.data.layout import SPLITS, Source, open_images


@dataclass(frozen=True)
class Faces:
    """One split, in the order of the shards.

    Attributes:
        images: uint8 [n, size, size, 3], RGB.
        image_ids: n names, e.g. `000001.jpg`.
        attributes: bool [n, k].
        attribute_names: the k attributes.
    """

    images: np.ndarray
    image_ids: list[str]
    attributes: np.ndarray
    attribute_names: tuple[str, ...]


def build_shard(
    index_path: str | Path,
    source: Source,
    shard: int,
    shards: int,
    output: str | Path,
    *,
    crop: int,
    size: int,
    filter: str = "bilinear",
    image_size: tuple[int, int] | None = None,
    on_bad_image: Literal["fail", "skip"] = "fail",
    progress: bool = False,
) -> None:
    """Decode the `shard`-th of `shards` equal blocks of the index (from 0); the same input gives the same bytes.

    The schema metadata hold the index's own (`vaematrix.source`), `vaematrix.crop`, `.size`, `.filter`, `.skipped`, a
    list of {image_id, split, reason}, and `.image_sizes`, a list of [width, height, how many images had it].

    Args:
        index_path: written by :func:`vaematrix.data.index.write_index`.
        source: what the index was made of.
        crop, size, filter, image_size: see :func:`vaematrix.data.decode.decode_face`.
        on_bad_image: stop at the first image that cannot be used, or leave such images out.
        progress: show a progress bar where standard error is a terminal.

    Raises:
        UserError: an image cannot be used (with `fail`), the source is no longer what was indexed, or the disk is full.
    """
    index = read_index(index_path)
    first, end = (index.num_rows * number // shards for number in (shard, shard + 1))
    rows = index.slice(first, end - first)
    faces = np.empty((len(rows), size, size, 3), np.uint8)
    kept: list[int] = []
    sizes: Counter[tuple[int, int]] = Counter()
    skipped: list[dict[str, Any]] = []
    members = tqdm(rows["member"].to_pylist(), unit="face", desc=f"shard {shard}", disable=None if progress else True)
    about = read_metadata(index_path)
    with unchanged(source, about["vaematrix.source"]), open_images(source) as images:
        for row, member in enumerate(members):
            try:
                image = decode(images.read(member), image_size)
                faces[len(kept)] = centre(image, crop, size, filter)
                kept.append(row)
                sizes[image.shape[1], image.shape[0]] += 1
            except BadImage as bad:
                if on_bad_image == "fail":
                    raise UserError(
                        f"{images.where(member)} cannot be used: {bad}. Replace the image, or set "
                        "`on_bad_image: skip` to leave such images out; the dataset summary then lists them."
                    ) from None
                skipped.append({name: rows[name][row].as_py() for name in ("image_id", "split")} | {"reason": str(bad)})
    columns = rows.drop_columns("member").take(pa.array(kept, pa.int64()))
    write_images(
        output,
        faces[: len(kept)],
        {name: columns[name].combine_chunks() for name in columns.column_names},
        {
            **about,
            "vaematrix.crop": crop,
            "vaematrix.size": size,
            "vaematrix.filter": filter,
            "vaematrix.skipped": skipped,
            "vaematrix.image_sizes": [[*size, count] for size, count in sorted(sizes.items())],
        },
    )


def read_faces(shards: str | Path | Iterable[str | Path], split: str) -> Faces:
    """Read one split ("train", "valid" or "test") of all shards; the peak is little more than its images' bytes.

    Raises:
        UserError: too few images of the split are left, because others were skipped, or a shard is damaged.
    """
    images, table = read_images(shards, split=SPLITS[split])
    _check_count(len(images), split)
    names = tuple(name for name in table.column_names if name not in COLUMNS)
    attributes = np.stack([table[name].to_numpy() for name in names], axis=1)
    return Faces(images, table["image_id"].to_pylist(), attributes, names)


def refuse_few(shards: Iterable[str | Path], split: str) -> None:
    """Raise what :func:`read_faces` would, without reading an image."""
    splits = [read_table(shard, columns=["split"])["split"].to_numpy() for shard in shards]
    _check_count(int((np.concatenate(splits) == SPLITS[split]).sum()), split)


def _check_count(count: int, split: str) -> None:
    if count < LEAST_IMAGES:
        raise UserError(
            f"the split {split} of the shards has {count or 'no'} image and needs {LEAST_IMAGES} at least: all others "
            "were skipped (see dataset summary)."
        )
