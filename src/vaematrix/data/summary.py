"""What a dataset holds, told from its shards."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaematrix.common.errors import UserError
from vaematrix.common.files import write_json, write_text
from vaematrix.common.images import read_metadata, stream_images
from vaematrix.data.index import COLUMNS
from vaematrix.data.layout import SPLITS


@dataclass(frozen=True)
class Summary:
    """The summary of a dataset.

    Attributes:
        about: JSON values: `images`, `counts` and `skipped_counts` (per split), `skipped` (a list of {image_id, split,
            reason}), `image_sizes` (a list of [width, height, how many images had it], most frequent first),
            `attributes` (per split and attribute the fraction that has it, 0 to 1) and the shards' common metadata
            (`source`, `crop`, `size`, `filter`).
        mean_faces: per split float64 [size, size, 3], 0 to 255; a split without images is left out.
    """

    about: dict[str, Any]
    mean_faces: dict[str, np.ndarray]


def summarise(shards: Sequence[str | Path]) -> Summary:
    """Summarise the shards, one row group at a time.

    Raises:
        UserError: the shards were not made from the same source with the same crop, size and filter.
    """
    common, skipped, sizes = _common_metadata(shards)
    counts = dict.fromkeys(SPLITS, 0)
    pixels: dict[str, Any] = dict.fromkeys(SPLITS, 0)  # exact sums, as integers
    having: dict[str, Any] = dict.fromkeys(SPLITS, 0)
    names: list[str] = []
    for images, table in stream_images(shards):
        names = [name for name in table.column_names if name not in COLUMNS]
        attributes = np.stack([table[name].to_numpy() for name in names], axis=1)
        split_column = table["split"].to_numpy()
        for split, number in SPLITS.items():
            rows = split_column == number
            if rows.any():
                counts[split] += int(rows.sum())
                pixels[split] = pixels[split] + (images if rows.all() else images[rows]).sum(axis=0, dtype=np.int64)
                having[split] = having[split] + attributes[rows].sum(axis=0)
    filled = [split for split, count in counts.items() if count]
    about = {
        **common,
        "images": sum(counts.values()),
        "counts": counts,
        "attributes": {
            split: dict(zip(names, (having[split] / counts[split]).tolist(), strict=True)) for split in filled
        },
        "skipped_counts": {
            split: sum(image["split"] == number for image in skipped) for split, number in SPLITS.items()
        },
        "skipped": skipped,
        "image_sizes": [[*size, count] for size, count in sizes.most_common()],
    }
    return Summary(about, {split: pixels[split] / counts[split] for split in filled})


def sizes_text(image_sizes: Sequence[tuple[int, int, int]]) -> str:
    """What a summary's `image_sizes` say, in a few words."""
    areas = sorted((width * height, f"{width} × {height}") for width, height, _ in image_sizes)
    if len(areas) < 2:
        return "".join(f"{size} pixels" for _, size in areas)
    return f"{len(areas)} sizes, {areas[0][1]} to {areas[-1][1]} pixels"


def write_summary(path: str | Path, summary: Summary) -> None:
    """Write `summary.about` as JSON."""
    write_json(path, summary.about)


def write_frequencies(path: str | Path, summary: Summary) -> None:
    """Write the attributes' frequencies as CSV: one line an attribute, one column a split, fractions 0 to 1."""
    frequencies = summary.about["attributes"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["attribute", *frequencies])
    for name in next(iter(frequencies.values()), {}):
        writer.writerow([name, *(f"{frequencies[split][name]:.6f}" for split in frequencies)])
    write_text(path, text.getvalue())


def _common_metadata(
    shards: Sequence[str | Path],
) -> tuple[dict[str, Any], list[dict[str, Any]], Counter[tuple[int, int]]]:
    """What all shards say of themselves (keys without "vaematrix."), what they left out, and the images' sizes."""
    skipped: list[dict[str, Any]] = []
    sizes: Counter[tuple[int, int]] = Counter()
    common: dict[str, Any] | None = None
    for path in shards:
        metadata = {key.removeprefix("vaematrix."): value for key, value in read_metadata(path).items()}
        skipped += metadata.pop("skipped", [])
        for width, height, count in metadata.pop("image_sizes", []):
            sizes[width, height] += count
        if common is None:
            common = metadata
        elif metadata != common:
            key = next(key for key in {**common, **metadata} if common.get(key) != metadata.get(key))
            raise UserError(
                f"{path}: its {key} is {metadata.get(key)!r}, but that of {shards[0]} is {common.get(key)!r}. "
                "Remove this folder of shards and build it again."
            )
    return common or {}, skipped, sizes
