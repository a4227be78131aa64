"""What CelebA's two lists say, checked as a whole before any image is decoded."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vaematrix.common.errors import UserError, shown
from vaematrix.common.files import written_whole
from vaematrix.common.images import read_table, with_metadata
from vaematrix.data.containers import IMAGE_SUFFIXES
from vaematrix.data.html import looks_like_html
from vaematrix.data.layout import (
    ATTRIBUTE_LIST,
    PARTITION_LIST,
    SPLITS,
    Source,
    open_images,
    read_list,
)

COLUMNS = ("image_id", "split", "member")
_RESERVED = (*COLUMNS, "image")

# A covariance of features needs two images, and so does the MMD of their codes.
LEAST_IMAGES = 2


def index_faces(source: Source) -> pa.Table:
    """Read and check both lists against the images.

    Returns:
        One row an image, in the order of `list_attr_celeba.txt`: `image_id` (string, the list's name for it),
        `split` (int8, see SPLITS), `member` (string, its path in the zip or folder), and a boolean an attribute.

    Raises:
        UserError: anything is wrong with the lists or between them and the images; the file and line are named.
    """
    with open_images(source) as images:
        members = images.members()
    if not members:
        raise UserError(f"{shown(source.images)}: holds no image ({', '.join(IMAGE_SUFFIXES)}).")
    _refuse_undecodable(source, members)
    attributes = _Rows(*read_list(source, ATTRIBUTE_LIST))
    partition = _Rows(*read_list(source, PARTITION_LIST))

    ids, names, flags = _parse_attributes(attributes)
    split_ids, splits = _parse_partition(partition)
    names_of_images = _names_of_images(source, members, ids)
    _match(attributes, 2, ids, names_of_images, source, f"row in {ATTRIBUTE_LIST}")
    _match(partition, 0, split_ids, names_of_images, source, f"split in {PARTITION_LIST}")
    for name, number in SPLITS.items():
        count = int((splits == number).sum())
        if count < LEAST_IMAGES:
            raise UserError(
                f"{partition.label}: {count or 'no'} image is in split {number} ({name}). "
                f"Each of the splits 0 (train), 1 (valid) and 2 (test) needs {LEAST_IMAGES} at least: "
                "one image has no covariance of features, and its code no MMD."
            )
    member_column = pa.array(members).take(pc.index_in(ids, value_set=names_of_images))
    split_column = pa.array(splits).take(pc.index_in(ids, value_set=split_ids))
    columns = dict(zip(names, (pa.array(column) for column in flags.T), strict=True))
    return pa.table({"image_id": ids, "split": split_column, "member": member_column, **columns})


def write_index(path: str | Path, table: pa.Table, metadata: Mapping[str, Any]) -> None:
    """Write the index as parquet, with JSON `metadata` in its schema."""
    with written_whole(path) as temporary:
        pq.write_table(with_metadata(table, metadata), temporary, compression="zstd", write_page_checksum=True)


def read_index(path: str | Path) -> pa.Table:
    """Read what :func:`write_index` wrote; its metadata come by :func:`vaematrix.common.images.read_metadata`."""
    return read_table(path)


class _Rows:
    """The words of a list's lines, blank lines left out, each with its line number."""

    def __init__(self, data: bytes, label: str) -> None:
        self.label = label
        if looks_like_html(data):
            raise UserError(f"{label}: is an HTML page, not a list. Download it again, or from another mirror.")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise UserError(
                f"{label}, line {line}: is not UTF-8 text. Restore the list or download it again."
            ) from None
        lines = pc.ascii_trim_whitespace(pa.array(text.split("\n")))  # trims the CR of CRLF too
        filled = pc.not_equal(lines, "")
        self.numbers: np.ndarray = np.flatnonzero(filled.to_numpy(zero_copy_only=False)) + 1
        self.lines: pa.Array = lines.filter(filled)

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """How a message names a row."""
        return f"{self.label}, line {self.numbers[row]}"

    def words(self, first_row: int, width: int, what: str) -> pa.Array:
        """The words of the rows from `first_row` on, flat, when each has `width` of them."""
        words = pc.ascii_split_whitespace(self.lines[first_row:])
        counts = pc.list_value_length(words).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(counts != width)
        if len(wrong):
            row, count = first_row + wrong[0], counts[wrong[0]]
            raise UserError(
                f"{self.where(row)}: has {count} columns instead of {width} ({what}): {_short(self.lines[row])}. "
                "Correct the line or restore the list."
            )
        return words.flatten()


def _parse_attributes(rows: _Rows) -> tuple[pa.Array, list[str], np.ndarray]:
    """The image names (n), the attributes' names (k) and their values, bool [n, k]."""
    if len(rows) < 3:
        raise UserError(
            f"{rows.label}: has {len(rows)} lines; it needs the count, the attributes' names and a row an image."
        )
    count = rows.lines[0].as_py()
    if not re.fullmatch(r"[0-9]{1,18}", count):
        hint = " This looks like Kaggle's CSV; the original .txt is needed." if "," in count else ""
        raise UserError(f"{rows.where(0)}: must be the number of images, but is {_short(count)}.{hint}")
    names = _check_names(rows)
    words = rows.words(2, 1 + len(names), f"a name and {len(names)} attributes")
    if int(count) != len(rows) - 2:
        raise UserError(
            f"{rows.where(0)}: says {count} images, but {len(rows) - 2} rows follow. "
            "The list is cut short or was edited: restore it, or correct the number."
        )
    ids = words.take(pa.array(np.arange(0, len(words), 1 + len(names))))
    _refuse_repeated(rows, 2, ids)
    grid = [pc.equal(words, text).to_numpy(zero_copy_only=False).reshape(len(ids), -1)[:, 1:] for text in ("1", "-1")]
    wrong = np.argwhere(~(grid[0] | grid[1]))
    if len(wrong):
        row, column = wrong[0]
        value = words[int(row) * (1 + len(names)) + 1 + int(column)]
        raise UserError(
            f"{rows.where(2 + row)}: the attribute {names[column]} of {shown(ids[row])} is {_short(value)}, "
            "not 1 or -1."
        )
    return ids, names, grid[0]


def _check_names(rows: _Rows) -> list[str]:
    names = rows.lines[1].as_py().split()
    for name in names:
        if name.lower() in _RESERVED or not re.fullmatch(r"\w[\w.+-]*", name):
            raise UserError(
                f"{rows.where(1)}: {name!r} cannot be an attribute's name. Use letters, digits and '_', "
                f"and none of {', '.join(_RESERVED)}."
            )
    # SQL knows no upper and lower case, so neither may the names.
    name, times = Counter(name.lower() for name in names).most_common(1)[0]
    if times > 1:
        raise UserError(f"{rows.where(1)}: the attribute {name!r} stands there {times} times (case aside). Rename one.")
    return names


def _parse_partition(rows: _Rows) -> tuple[pa.Array, np.ndarray]:
    """The image names (n) and their splits, int8 [n]."""
    words = rows.words(0, 2, "a name and a split")
    ids = words.take(pa.array(np.arange(0, len(words), 2)))
    values = words.take(pa.array(np.arange(1, len(words), 2)))
    splits = pc.index_in(values, value_set=pa.array([str(number) for number in range(3)]))
    if splits.null_count:
        row = pc.index(pc.is_null(splits), True).as_py()
        raise UserError(
            f"{rows.where(row)}: the split of {shown(ids[row])} is {_short(values[row])}, "
            "but must be 0 (train), 1 (valid) or 2 (test)."
        )
    _refuse_repeated(rows, 0, ids)
    return ids, splits.to_numpy().astype(np.int8)


def _names_of_images(source: Source, members: list[str], ids: pa.Array) -> pa.Array:
    """The name by which the lists call each member: its file name, each once."""
    names = [member.rpartition("/")[2] for member in members]
    if len(set(names)) != len(names):
        name = next(name for name, times in Counter(names).items() if times > 1)
        same = [member for member in members if member.rpartition("/")[2] == name]
        raise UserError(
            f"{shown(source.images)}: {_some(same)} have the same file name; the lists tell images apart by it."
        )
    stems = {name.rpartition(".")[0]: name for name in names}
    known = ids.to_pylist()
    if len(stems) == len(names) and not set(names).intersection(known):
        # CelebA's own PNG edition: the files are 000001.png, and the lists go on calling them 000001.jpg.
        called = {id_.rpartition(".")[0]: id_ for id_ in known}
        names = [called.get(name.rpartition(".")[0], name) for name in names]
    return pa.array(names)


def _match(rows: _Rows, header: int, ids: pa.Array, names: pa.Array, source: Source, what: str) -> None:
    """Hold a list's names against the images' names, both ways."""
    without_image = pc.invert(pc.is_in(ids, value_set=names))
    if pc.any(without_image).as_py():
        row = pc.index(without_image, True).as_py()
        missing = ids.filter(without_image).to_pylist()
        raise UserError(
            f"{rows.where(header + row)}: {_some(missing)}: no such image in {shown(source.images)}. "
            f"{_instead_of(missing[0], source)}Add the image, or remove the row from both lists."
        )
    without_row = pc.invert(pc.is_in(names, value_set=ids))
    if pc.any(without_row).as_py():
        extra = names.filter(without_row).to_pylist()
        raise UserError(
            f"{shown(source.images)}: {_some(extra)}: no {what} ({rows.label}). Add the rows, or remove the images."
        )


def _instead_of(missing: str, source: Source) -> str:
    """A sentence on a file that is called like a missing image but for its suffix or its case."""
    with open_images(source) as images:
        stem = PurePosixPath(missing).stem.lower()
        alike = [name for name in images.names() if PurePosixPath(name).stem.lower() == stem]
    if not alike:
        return ""
    name = PurePosixPath(alike[0])
    fix = "give it the list's name" if name.suffix.lower() in IMAGE_SUFFIXES else "make it a JPEG or PNG"
    return f"There is {shown(name.name)}: {fix}. "


def _refuse_undecodable(source: Source, members: list[str]) -> None:
    """Refuse file names that are no text: parquet could not hold them."""
    for member in members:
        if not member.isascii() and member != member.encode(errors="replace").decode():
            raise UserError(
                f"{shown(source.images)}: the file name {member!a} is not UTF-8. Rename it, in the lists too."
            )


def _refuse_repeated(rows: _Rows, header: int, ids: pa.Array) -> None:
    if pc.count_distinct(ids).as_py() == len(ids):
        return
    first: dict[str, int] = {}
    for row, name in enumerate(ids.to_pylist()):
        if name in first:
            raise UserError(
                f"{rows.where(header + row)}: {shown(name)} stands in line {rows.numbers[header + first[name]]} "
                "already. Remove one of them."
            )
        first[name] = row


def _some(names: list[str]) -> str:
    """The first three of many names, and how many more there are."""
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")
