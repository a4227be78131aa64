"""Images as parquet: one row an image, `image` the bytes of uint8 [height, width, 3].

The shape stands in the metadata of the field. Any reader of parquet gives the bytes, and
`np.frombuffer(image, np.uint8).reshape(64, 64, 3)` is the image.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vaematrix.common.errors import UserError, shown
from vaematrix.common.files import written_whole

_CHECKED = {"page_checksum_verification": True}

ROWS_PER_GROUP = 1024  # one row group decodes to 12.6 MB at 64x64: small enough to stream


def write_images(
    path: str | Path, images: np.ndarray, columns: Mapping[str, Sequence[Any] | pa.Array], metadata: Mapping[str, Any]
) -> None:
    """Write images with their columns; the same input gives the same bytes.

    Args:
        images: uint8 [n, height, width, 3].
        columns: further columns, n values each, written before `image`.
        metadata: JSON values, stored as JSON text under these keys in the schema.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {list(images.shape)}")
    shape = images.shape[1:]
    # As bytes, and not as a list of numbers (Arrow's tensors are lists in parquet): parquet spends 32 bits and two
    # levels of nesting on each number of a list, which takes seven times as long to write and to read.
    pixels = pa.py_buffer(np.ascontiguousarray(images))
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(math.prod(shape)), len(images), [None, pixels])
    field = pa.field("image", column.type, nullable=False, metadata={"shape": json.dumps(shape)})
    table = pa.table({**columns, "image": column}).set_column(len(columns), field, column)
    with written_whole(path) as temporary:
        pq.write_table(
            with_metadata(table, metadata),
            temporary,
            row_group_size=ROWS_PER_GROUP,
            compression="none",  # zstd makes 64x64 photographs 2 % smaller
            use_dictionary=False,
            write_statistics=list(columns),
            write_page_checksum=True,
        )


def read_images(paths: str | Path | Iterable[str | Path], **filters: Any) -> tuple[np.ndarray, pa.Table]:
    """Read image files in the order given.

    The peak is the array that is returned and one row group.

    Args:
        paths: one file, or several of the same schema and image size.
        filters: keep the rows whose column equals the value, e.g. ``split=2``.

    Returns:
        uint8 [n, height, width, 3], and the table of all other columns (n rows).

    Raises:
        ValueError: no files, files whose images differ in size, or a filter on a column that is not there.
        UserError: a file is damaged.
    """
    groups = list(_select(paths, filters))
    shapes = {group.shape for group in groups}
    if len(shapes) != 1:
        raise ValueError(f"the images of one call must be of one size, but are of {sorted(shapes) or 'none'}")
    images = np.empty((sum(group.count for group in groups), *shapes.pop()), np.uint8)
    start = 0
    for group in groups:
        group.read_into(images[start : start + group.count])
        start += group.count
    return images, pa.concat_tables(group.others for group in groups)


def stream_images(paths: str | Path | Iterable[str | Path], **filters: Any) -> Iterator[tuple[np.ndarray, pa.Table]]:
    """What :func:`read_images` reads, one row group at a time, for work that needs no more than that at once."""
    for group in _select(paths, filters):
        images = np.empty((group.count, *group.shape), np.uint8)
        group.read_into(images)
        yield images, group.others


def with_metadata(table: pa.Table, metadata: Mapping[str, Any]) -> pa.Table:
    """The table with JSON values as JSON text in its schema, where :func:`read_metadata` finds them."""
    return table.replace_schema_metadata({key: json.dumps(value, sort_keys=True) for key, value in metadata.items()})


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The JSON values that :func:`with_metadata` put into the schema."""
    with readable(path):
        stored = pq.read_schema(path).metadata or {}
    return {
        key.decode(): json.loads(value) for key, value in stored.items() if not key.startswith((b"ARROW", b"pandas"))
    }


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a parquet file, or some of its columns, with its pages' checksums held against their bytes.

    Raises:
        UserError: the file is not there, not parquet, or damaged.
    """
    with readable(path):
        return pq.read_table(path, columns=columns, **_CHECKED)


def verify(path: str | Path) -> None:
    """Read a parquet file through, a row group at a time; UserError where it is damaged."""
    with readable(path), pq.ParquetFile(path, **_CHECKED) as file:
        for number in range(file.num_row_groups):
            file.read_row_group(number)


@contextmanager
def readable(path: str | Path) -> Iterator[None]:
    """Name the file in what Arrow says while it is read."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{shown(path)}: cannot be read as parquet ({said}). If it is damaged, delete it and run the same command "
            "again, which makes it anew."
        ) from None


class _Group:
    """The rows of one row group that pass the filters."""

    def __init__(self, file: pq.ParquetFile, path: str | Path, number: int, filters: Mapping[str, Any]) -> None:
        self.path, self.number, self.metadata = path, number, file.metadata
        schema = file.schema_arrow
        self.shape: tuple[int, ...] = tuple(json.loads(schema.field("image").metadata[b"shape"]))
        table = file.read_row_group(number, columns=[name for name in schema.names if name != "image"])
        keep = np.ones(file.metadata.row_group(number).num_rows, bool)
        for column, value in filters.items():
            keep &= pc.equal(table.column(column), value).to_numpy()
        self.rows: np.ndarray | None = None if keep.all() else np.flatnonzero(keep)
        self.others: pa.Table = table if self.rows is None else table.take(pa.array(self.rows))
        self.count = int(keep.sum())

    def read_into(self, target: np.ndarray) -> None:
        """Copy the images into `target`, uint8 [count, height, width, 3]."""
        if not self.count:
            return
        with readable(self.path), pq.ParquetFile(self.path, metadata=self.metadata, **_CHECKED) as file:
            # Of one column threads have nothing to share out, and may hold its memory after the call.
            group = file.read_row_group(self.number, columns=["image"], use_threads=False)
            column = group.column("image").combine_chunks()
        images = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, *self.shape)
        np.copyto(target, images if self.rows is None else images[self.rows])


def _select(paths: str | Path | Iterable[str | Path], filters: Mapping[str, Any]) -> Iterator[_Group]:
    for path in [paths] if isinstance(paths, str | Path) else paths:
        with readable(path), pq.ParquetFile(path, **_CHECKED) as file:
            absent = [column for column in filters if column not in file.schema_arrow.names]
            if absent:
                raise ValueError(f"{path} has no column {absent[0]!r} to filter by")
            for number in range(file.num_row_groups):
                yield _Group(file, path, number, filters)
