"""The visual language: what a model looks like, the sizes that print wants, and how a figure becomes files."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from vaematrix.common.files import written_whole

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

# Okabe and Ito's colours, told apart by colour-blind readers too (https://jfly.uni-koeln.de/color/);
# their yellow is left out, because a thin line of it is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))  # for the models after the seventh, and after the fourteenth
# One more than colours, so that the seven colours come round with another marker each.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

WIDTH = 6.9  # inches: both columns of a two-column article, where text of these sizes can be read
FONT_SIZE = 7.5  # points
TEXT, GREY = "#202024", "#606068"
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "text.color": TEXT,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.labelcolor": TEXT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E8",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "image.composite_image": False,  # a PDF holds each image's own pixels
    "pdf.fonttype": 42,  # fonts that journals accept and readers can search
}
CHART_DPI = 240


def model_lines(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style of each model, by its place in the configuration; after 21 models they repeat."""
    styles = itertools.cycle(itertools.product(DASHES, PALETTE))
    return {name: {"color": colour, "linestyle": dashes} for name, (dashes, colour) in zip(names, styles, strict=False)}


def model_markers(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and marker of each model, by its place in the configuration; after 56 models they repeat."""
    looks = zip(names, itertools.cycle(PALETTE), itertools.cycle(MARKERS), strict=False)
    return {name: {"color": colour, "marker": marker} for name, colour, marker in looks}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Draw and save within this: the user's own matplotlibrc must not change the pictures."""
    defaults = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context({**defaults, **STYLE}):
        yield


def save(path: str | Path, figure: Figure) -> None:
    """Write a figure as PNG at `path` and as PDF beside it, without the date that a PDF would bear."""
    undated = {"png": {"Software": None}, "pdf": {"Creator": None, "Producer": None, "CreationDate": None}}
    for kind, metadata in undated.items():
        with written_whole(Path(path).with_suffix(f".{kind}")) as temporary:
            figure.savefig(temporary, format=kind, dpi=figure.dpi, metadata=metadata)


def plain(text: str) -> str:
    """Text as it stands: matplotlib takes what is between two dollars for mathematics."""
    return text.replace("$", r"\$")


def width_of(text: str, size: float = FONT_SIZE) -> float:
    """The width of one line of text, in inches; `size` in points."""
    with styled():
        return float(TextPath((0, 0), plain(text), size=size).get_extents().width) / 72 if text.strip() else 0.0
