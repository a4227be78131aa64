"""Grids of faces. A PNG shows each image's pixels unaltered but for an integer enlargement; a PDF holds them as is."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from vaematrix.common.files import written_whole
from vaematrix.reporting.figures.style import FONT_SIZE, WIDTH, model_markers, plain, save, styled, width_of

WIDEST_IMAGE = 0.8  # inches
WIDEST_LABEL = 1.25  # inches; longer labels are broken
SHARPEST = 240  # dots per inch that a PNG has at least
GAP = 4  # white dots between images
MARGIN = 12  # white dots around a grid, and between text and images


@dataclass(frozen=True)
class Row:
    """One row of a grid.

    Attributes:
        images: uint8 [n, h, w, 3].
        label: stands to the left; lines end at \\n, and where they would be too long.
        mark: colour and marker of the model whose row it is, see :func:`style.model_markers`.
    """

    images: np.ndarray
    label: str = ""
    mark: Mapping[str, Any] | None = None


def save_image(path: str | Path, image: np.ndarray) -> None:
    """Write one image, uint8 [h, w, 3], as PNG."""
    _check_images(image[None])
    with written_whole(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG", optimize=True)


def best_median_worst(scores: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The places of the images with the highest, the middle and the lowest scores, `count` of each at most.

    Each group runs from high to low; no image is in two groups, so that few images make small groups.

    Args:
        scores: [n], higher is better; of equals the first comes first.
    """
    order = np.argsort(-scores, kind="stable")
    count = min(count, max(1, len(order) // 3))
    middle = (len(order) - count) // 2
    groups = {"best": order[:count], "median": order[middle : middle + count], "worst": order[-count:]}
    return groups if len(order) >= 3 else {"best": order}


def reconstruction_grid(
    path: str | Path, originals: np.ndarray, reconstructions: np.ndarray, ssim: np.ndarray, columns: int = 8
) -> None:
    """Draw the faces that were reconstructed best, middling and worst, originals over reconstructions.

    Args:
        originals, reconstructions: uint8 [n, h, w, 3].
        ssim: [n], the SSIM of each pair.

    Raises:
        ValueError: the three differ in length, or the images in shape.
    """
    if originals.shape != reconstructions.shape or len(ssim) != len(originals):
        raise ValueError(
            f"originals {originals.shape}, reconstructions {reconstructions.shape}, ssim {ssim.shape} differ in shape"
        )
    rows = []
    for name, places in best_median_worst(ssim, columns).items():
        span = " to ".join(dict.fromkeys(f"{bound:.2f}" for bound in (ssim[places].min(), ssim[places].max())))
        rows.append(Row(originals[places], f"{name}\nSSIM {span}"))
        rows.append(Row(reconstructions[places], "reconstructed"))
    write_grid(path, rows, rows_together=2)


def sample_grid(path: str | Path, samples: np.ndarray, columns: int = 8, rows: int = 8) -> None:
    """Draw the first columns x rows of `samples`, uint8 [n, h, w, 3], left to right, top to bottom."""
    shown = samples[: columns * rows]
    write_grid(path, [Row(shown[start : start + columns]) for start in range(0, len(shown), columns)])


def conditional_grid(
    path: str | Path, faces: np.ndarray, absent: np.ndarray, present: np.ndarray, attributes: Sequence[str]
) -> None:
    """Draw faces without one attribute after the other, and below with it.

    Args:
        faces: uint8 [faces, 2, h, w, 3], of each the original and its reconstruction, for the first column.
        absent, present: uint8 [faces, attributes, h, w, 3].
        attributes: the names of the attributes.
    """
    _check_names("attributes", attributes, present.shape[1])
    rows = []
    for (original, reconstruction), without, with_ in zip(faces, absent, present, strict=True):
        rows.append(Row(np.concatenate([original[None], without]), "without"))
        rows.append(Row(np.concatenate([reconstruction[None], with_]), "with"))
    write_grid(path, rows, headers=["original, reconstructed", *attributes], rows_together=2)


def traversal_grid(
    path: str | Path, images: np.ndarray, dimension_labels: Sequence[str], step_values: Sequence[float]
) -> None:
    """Draw latent traversals: one latent dimension a row, one value in prior standard deviations a column.

    Args:
        images: uint8 [dimensions, steps, h, w, 3].
        dimension_labels: e.g. "z17  (3.2 nats)".
        step_values: in standard deviations.
    """
    _check_names("dimension_labels", dimension_labels, images.shape[0])
    _check_names("step_values", step_values, images.shape[1])
    headers = [f"{value:+g}".replace("-", "−") + "\N{NO-BREAK SPACE}sd" if value else "0" for value in step_values]
    rows = [Row(row, label) for row, label in zip(images, dimension_labels, strict=True)]
    write_grid(path, rows, headers)


def interpolation_grid(path: str | Path, first: np.ndarray, between: np.ndarray, last: np.ndarray) -> None:
    """Draw what lies between two faces, with the originals at both ends.

    Args:
        first, last: uint8 [pairs, h, w, 3], the originals.
        between: uint8 [pairs, steps, h, w, 3], from the first's reconstruction to the last's.
    """
    steps = between.shape[1]
    headers = ["original", *(f"{share:.0%}" for share in np.linspace(0, 1, steps)), "original"]
    write_grid(path, [Row(row) for row in np.concatenate([first[:, None], between, last[:, None]], axis=1)], headers)


def overview(path: str | Path, strips: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Draw strips of faces under one another, each with its label: originals, say, then each model's faces.

    Args:
        strips: label -> uint8 [n, h, w, 3]; a label that is a model's name gets the model's marker.
        names: all models of the configuration in its order, which decides the markers.
    """
    marks = model_markers(names)
    write_grid(path, [Row(images, label, marks.get(label)) for label, images in strips.items()])


def sampler_grid(
    path: str | Path,
    prior: Mapping[str, np.ndarray],
    drawn: Mapping[str, tuple[str, np.ndarray]],
    names: Sequence[str],
) -> None:
    """Draw each model's samples of the prior, and below those of a sampler.

    Args:
        prior: by model, uint8 [n, h, w, 3]. drawn: by model, the sampler's name and its samples.
        names: all models of the configuration in its order, which decides the markers.
    """
    marks, rows = model_markers(names), []
    for model, images in prior.items():
        rows.append(Row(images, f"{model}\nprior", marks.get(model)))
        if model in drawn:
            sampler, samples = drawn[model]
            rows.append(Row(samples, sampler))
    write_grid(path, rows)


def write_grid(path: str | Path, rows: Sequence[Row], headers: Sequence[str] = (), rows_together: int = 1) -> None:
    """Write rows of images with labels to the left and headers above, as wide as a page or narrower.

    Labels break at spaces, hyphens and underscores where they are long; headers break at spaces, and shrink until their
    longest word is as wide as an image.

    Args:
        rows_together: after so many rows comes a wider gap.
    """
    rows = rows or [Row(np.full((1, 64, 64, 3), 255, np.uint8))]  # where all runs are missing there is nothing to show
    for row in rows:
        _check_images(row.images)
    labels = [_broken(row.label, WIDEST_LABEL) for row in rows]
    label_width = max(width_of(line) for label in labels for line in label.split("\n"))
    label_width += 2 * FONT_SIZE / 72 if any(row.mark for row in rows) else 0
    columns, side = max(len(row.images) for row in rows), rows[0].images.shape[2]
    white = (3 * MARGIN + (columns - 1) * GAP) / SHARPEST  # inches at most, as are all of these
    width = min(WIDEST_IMAGE, (WIDTH - label_width - white) / columns)
    enlargement = math.ceil(SHARPEST * width / side)
    sheet = _Sheet(
        dpi=math.ceil(side * enlargement / width),
        height=rows[0].images.shape[1] * enlargement,
        width=side * enlargement,
        headers=[header.split(" ") for header in headers],
        label_width=label_width,
    )
    with styled():
        save(path, sheet.draw(rows, labels, columns, rows_together))


@dataclass(frozen=True)
class _Sheet:
    """The layout of a grid, in dots from its upper left corner; each image is `height` x `width` dots large."""

    dpi: int
    height: int
    width: int
    headers: Sequence[Sequence[str]]
    label_width: float  # inches

    @property
    def header_size(self) -> float:
        """Points."""
        widest = max((width_of(word) for words in self.headers for word in words), default=0) * self.dpi
        return FONT_SIZE * min(1, self.width / widest) if widest else FONT_SIZE

    def line(self, size: float) -> int:
        """The height of a line of text."""
        return round(1.25 * size / 72 * self.dpi)

    def draw(self, rows: Sequence[Row], labels: Sequence[str], columns: int, rows_together: int) -> Figure:
        left = MARGIN + (round(self.label_width * self.dpi) + MARGIN if self.label_width else 0)
        header_size = self.header_size
        top = MARGIN + max(map(len, self.headers), default=0) * self.line(header_size)
        apart = GAP if rows_together == 1 else 5 * GAP
        pitch = self.width + GAP
        ys = [top + row * (self.height + GAP) + row // rows_together * (apart - GAP) for row in range(len(rows))]
        size = left + columns * pitch - GAP + MARGIN, ys[-1] + self.height + MARGIN
        figure, axes = self.canvas(*size)
        for column, words in enumerate(self.headers):
            foot = (left + column * pitch + self.width / 2, top - GAP)
            text = plain("\n".join(words))
            axes.text(*foot, text, size=header_size, ha="center", va="bottom", linespacing=1.1)
        for y, row, label in zip(ys, rows, labels, strict=True):
            axes.text(left - MARGIN, y + self.height / 2, plain(label), ha="right", va="center", linespacing=1.1)
            if row.mark:
                axes.plot(MARGIN + self.line(2.5), y + self.height / 2, **row.mark, markersize=4.5, linestyle="none")
            for column, image in enumerate(row.images):
                x = left + column * pitch
                extent = (x, x + self.width, y + self.height, y)
                axes.imshow(image, extent=extent, interpolation="none", aspect="auto")
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0))  # imshow has changed them
        return figure

    def canvas(self, width: int, height: int) -> tuple[Figure, Axes]:
        """A figure of so many dots and axes that count them."""
        # A hundredth of a dot more, since matplotlib rounds the product of inches and dots down.
        inches = ((width + 0.01) / self.dpi, (height + 0.01) / self.dpi)
        figure = Figure(figsize=inches, dpi=self.dpi, facecolor="white")
        axes = figure.add_axes((0, 0, width / (width + 0.01), 1))
        axes.axis("off")
        return figure, axes


def _broken(text: str, width: float) -> str:
    """The text with line breaks so that no line is wider than `width` inches, where spaces, - and _ allow it."""
    lines = []
    for line in text.split("\n"):
        lines.append("")
        for word in re.findall(r".+?(?:[ _-]+|$)", line):
            if lines[-1] and width_of(lines[-1] + word.rstrip()) > width:
                lines.append("")
            lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def _check_images(images: np.ndarray) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images must be uint8 [n, h, w, 3], not {images.dtype} {list(images.shape)}")


def _check_names(what: str, names: Sequence[Any], count: int) -> None:
    if len(names) != count:
        raise ValueError(f"{what}: {len(names)} for {count} rows or columns of images")
