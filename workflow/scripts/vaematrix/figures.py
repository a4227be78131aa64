"""Pictures: exact grids of faces (Pillow) and training curves (matplotlib).

Grids show each image's pixels unaltered but for an integer enlargement; text is drawn beside them at full resolution.
Every picture is a PNG, written whole, and the same input gives the same bytes. Images are uint8 RGB throughout.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from vaematrix.files import written_whole

# Okabe and Ito's colours, told apart by colour-blind readers too (https://jfly.uni-koeln.de/color/);
# their yellow is left out, because a thin line of it is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))  # for the models after the seventh, and after the fourteenth

ENLARGEMENT = 2  # how many pixels wide a pixel of an image is drawn
GAP = 4  # white pixels between images
MARGIN = 12  # white pixels around a grid, and between text and images
TEXT = (32, 32, 36)
FONT_SIZE, SMALLEST_FONT = 24, 12  # pixels

CURVES = (
    ("valid_loss", "Validation loss (nats)"),
    ("valid_kl", "Validation KL (nats)"),
    ("valid_mse", "Validation MSE on [0, 1]"),
    ("beta_eff", r"Effective $\beta$"),
)
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E8",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.edgecolor": "#606068",
    "lines.solid_capstyle": "round",
}


def model_lines(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style of each model, by its place in the configuration; after 21 models they repeat."""
    styles = itertools.cycle(itertools.product(DASHES, PALETTE))
    return {name: {"color": colour, "linestyle": dashes} for name, (dashes, colour) in zip(names, styles, strict=False)}


def save_image(path: str | Path, image: np.ndarray, enlargement: int = 1) -> None:
    """Write one image, uint8 [h, w, 3], as PNG."""
    _save(path, Image.fromarray(_enlarged(image, enlargement)))


def reconstruction_grid(
    path: str | Path,
    originals: np.ndarray,
    reconstructions: np.ndarray,
    columns: int = 8,
    rows: int = 4,
    enlargement: int = ENLARGEMENT,
) -> None:
    """Draw originals over their reconstructions, `columns` pairs in each of up to `rows` double rows.

    Args:
        originals: uint8 [n, h, w, 3]; the first columns x rows are shown.
        reconstructions: of the same shape.

    Raises:
        ValueError: the two differ in shape.
    """
    if originals.shape != reconstructions.shape:
        raise ValueError(f"originals {originals.shape} and reconstructions {reconstructions.shape} differ in shape")
    shown = min(len(originals), columns * rows)
    bands = []
    for start in range(0, shown, columns):
        stop = min(start + columns, shown)
        bands += [("original", originals[start:stop]), ("reconstruction", reconstructions[start:stop])]
    _write_grid(path, bands, enlargement=enlargement, rows_together=2)


def sample_grid(
    path: str | Path, samples: np.ndarray, columns: int = 8, rows: int = 8, enlargement: int = ENLARGEMENT
) -> None:
    """Draw the first columns x rows of `samples`, uint8 [n, h, w, 3], left to right, top to bottom."""
    shown = min(len(samples), columns * rows)
    bands = [("", samples[start : min(start + columns, shown)]) for start in range(0, shown, columns)]
    _write_grid(path, bands, enlargement=enlargement)


def conditional_grid(
    path: str | Path, images: np.ndarray, setting_names: Sequence[str], enlargement: int = ENLARGEMENT
) -> None:
    """Draw one latent a row under a different attribute in each column.

    Args:
        images: uint8 [faces, settings, h, w, 3].
        setting_names: what each column asked for, e.g. "as drawn", "Eyeglasses", "Smiling".
    """
    _check_names("setting_names", setting_names, images.shape[1])
    _write_grid(path, [("", row) for row in images], headers=setting_names, enlargement=enlargement)


def traversal_grid(
    path: str | Path,
    images: np.ndarray,
    dimension_labels: Sequence[str],
    step_values: Sequence[float],
    enlargement: int = ENLARGEMENT,
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
    _write_grid(path, list(zip(dimension_labels, images, strict=True)), headers=headers, enlargement=enlargement)


def overview(
    path: str | Path, rows: Sequence[tuple[str, np.ndarray]], enlargement: int = ENLARGEMENT, rows_together: int = 1
) -> None:
    """Draw strips of faces under one another, each with its label: originals, then each model's faces.

    Args:
        rows: (label, uint8 [n, h, w, 3]) each.
        rows_together: after so many rows comes a wider gap.
    """
    _write_grid(path, rows, enlargement=enlargement, rows_together=rows_together)


def training_curves(
    path: str | Path,
    histories: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]],
    curves: Sequence[tuple[str, str]] = CURVES,
    names: Sequence[str] | None = None,
) -> None:
    """Draw how training went: a thin line for each seed and a thick one for their mean, one colour and style a model.

    Args:
        histories: model -> for each seed the epochs as in `history.jsonl`.
        curves: (key of the epochs, title of its panel) each; a panel that no run has values for is left out.
        names: all models of the configuration in its order, which decides the colours; default: those of `histories`.
    """
    drawn_as = model_lines(list(names or histories))
    runs = [epochs for seeds in histories.values() for epochs in seeds]
    panels = [(key, title) for key, title in curves if any(key in epoch for epochs in runs for epoch in epochs)]
    columns = min(2, max(1, len(panels)))
    lines = max(1, -(-len(panels) // columns))
    width, dpi = 4.6 * columns, 160
    em = STYLE["font.size"] / 72 * dpi
    abreast = max(1, min(4, int(width * dpi / (_widest(list(histories), round(em)) + 5 * em))))
    height = 3.1 * lines + 0.25 * (1 + -(-len(histories) // abreast))
    # The user's own matplotlibrc must not change the pictures.
    with mpl.rc_context({**_defaults(), **STYLE}):
        figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained", facecolor="white")
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.remove()
        for axis, (key, title) in zip(axes, panels, strict=False):
            axis.set_title(title)
            axis.set_xlabel("Epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, steps=[1, 2, 5, 10]))
            axis.ticklabel_format(axis="y", useOffset=False)
            for model, seeds in histories.items():
                _draw_curves(axis, [_series(epochs, key) for epochs in seeds], drawn_as[model])
        handles = [Line2D([], [], **drawn_as[model], linewidth=2.4, label=model) for model in histories]
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=min(abreast, len(handles)), frameon=False)
        with written_whole(path) as temporary:
            FigureCanvasAgg(figure).print_png(str(temporary), metadata={"Software": None})


def _series(epochs: Sequence[Mapping[str, Any]], key: str) -> dict[int, float]:
    """Epoch -> value, where there is one."""
    return {epoch["epoch"]: epoch[key] for epoch in epochs if epoch.get(key) is not None}


def _draw_curves(axis: Any, runs: Sequence[Mapping[int, float]], line: Mapping[str, Any]) -> None:
    """The seeds of one model, and their mean over the epochs that all of them have."""
    runs = [run for run in runs if run]
    if not runs:
        return
    shared = sorted(set.intersection(*(set(run) for run in runs)))
    if len(runs) > 1:
        for run in runs:
            axis.plot(list(run), list(run.values()), **line, linewidth=0.8, alpha=0.5)
    marker = "o" if len(shared) == 1 else None  # a line through one point cannot be seen
    means = [np.mean([run[epoch] for run in runs]) for epoch in shared]
    axis.plot(shared, means, **line, linewidth=2, marker=marker)


def _write_grid(
    path: str | Path,
    rows: Sequence[tuple[str, np.ndarray]],
    headers: Sequence[str] = (),
    enlargement: int = ENLARGEMENT,
    rows_together: int = 1,
) -> None:
    """Write rows of images with labels to the left and headers above.

    Headers break at spaces and underscores, and shrink until the longest word is as wide as an image; where even the
    smallest font is too wide, the columns move apart.
    """
    if not rows:
        raise ValueError("a grid needs at least one row of images")
    height, width = (side * enlargement for side in rows[0][1].shape[1:3])
    columns = max(len(images) for _, images in rows)
    titles = [re.split("[ _]+", header) for header in headers]
    words = [word for title in titles for word in title]
    size = next((size for size in range(FONT_SIZE, SMALLEST_FONT, -1) if _widest(words, size) <= width), SMALLEST_FONT)
    pitch = max(width, _widest(words, size)) + GAP
    label_width = _widest([label for label, _ in rows], FONT_SIZE)
    left = MARGIN + (label_width + MARGIN if label_width else 0)
    top = MARGIN + max((len(title) for title in titles), default=0) * _line_height(size)
    xs = [left + (pitch - GAP - width) // 2 + column * pitch for column in range(columns)]
    group_gap = GAP if rows_together == 1 else 4 * GAP
    ys = [top + row * (height + GAP) + row // rows_together * (group_gap - GAP) for row in range(len(rows))]

    sheet = Image.new("RGB", (left + columns * pitch - GAP + MARGIN, ys[-1] + height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for x, title in zip(xs, titles, strict=False):
        for line, word in enumerate(reversed(title)):
            foot = (x + width / 2, top - GAP - line * _line_height(size))
            pen.text(foot, word, fill=TEXT, font=_font(size), anchor="md")
    for y, (label, images) in zip(ys, rows, strict=True):
        pen.text((left - MARGIN, y + height / 2), label, fill=TEXT, font=_font(FONT_SIZE), anchor="rm")
        for x, image in zip(xs, images, strict=False):
            sheet.paste(Image.fromarray(_enlarged(image, enlargement)), (x, y))
    _save(path, sheet)


def _enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel as a square of `factor` x `factor` pixels."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image must be uint8 [h, w, 3], not {image.dtype} {list(image.shape)}")
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _check_names(what: str, names: Sequence[Any], count: int) -> None:
    if len(names) != count:
        raise ValueError(f"{what}: {len(names)} for {count} rows or columns of images")


def _save(path: str | Path, picture: Image.Image) -> None:
    with written_whole(path) as temporary:
        picture.save(temporary, "PNG", optimize=True)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with matplotlib, so that no system font is needed."""
    return ImageFont.truetype(str(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


def _widest(texts: Sequence[str], size: int) -> int:
    """Width of the widest of these texts, in pixels."""
    return max((math.ceil(_font(size).getlength(text)) for text in texts), default=0)


def _line_height(size: int) -> int:
    return sum(_font(size).getmetrics())


def _defaults() -> dict[str, Any]:
    """Matplotlib's own settings, without those that choose a backend."""
    return {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
