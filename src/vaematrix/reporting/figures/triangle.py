"""The triangle of all weightings, coloured by who has the highest total."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon

from vaematrix.analysis.weight_space import Landscape, Point, Territory
from vaematrix.reporting.figures.style import CHART_DPI, WIDTH, model_lines, plain, save, styled

# Where the corners lie: all weight on the first row at the top, on the second at the left, on the third at the right.
CORNERS = np.array([[0.5, math.sqrt(3) / 2], [0.0, 0.0], [1.0, 0.0]])
MARKERS = "osD^vP*X"
MARK: dict[str, Any] = {"linestyle": "", "markerfacecolor": "white", "markeredgecolor": "black", "markersize": 5}
PANEL_HEIGHT, LINE = 3.3, 0.2  # inches
GRID = 60  # steps along an edge, in which a place for a name is sought
SMALLEST_LABELLED = 0.08  # share of all weightings below which a name has no room


def triangle(path: str | Path, landscapes: Mapping[str, Landscape], rows: Sequence[str], models: Sequence[str]) -> None:
    """Draw one panel for each scoring, as PNG and as PDF beside it.

    Args:
        path: of the PNG.
        landscapes: by the name of the scoring, from `weight_space.landscapes`.
        rows: the labels of the matrix's three rows.
        models: all models of the configuration in its order, which decides the colours.

    Raises:
        ValueError: the matrix has not three rows.
    """
    if len(rows) != 3:
        raise ValueError(f"a triangle shows the weights of three rows, not of {len(rows)}")
    looks = model_lines(models)
    handles = _legend(landscapes, looks)
    with styled():
        height = PANEL_HEIGHT + LINE * math.ceil(len(handles) / 3)
        figure = Figure(figsize=(WIDTH, height), dpi=CHART_DPI, layout="constrained", facecolor="white")
        axes = figure.subplots(1, len(landscapes), squeeze=False)[0]
        for axis, (scoring, landscape) in zip(axes, landscapes.items(), strict=True):
            _panel(axis, landscape, rows, looks)
            axis.set_title(f"Scores: {scoring}")
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
        save(path, figure)


def place(weights: Point) -> np.ndarray:
    """Where a weighting lies in the picture, [x, y]."""
    return np.array([float(weight) for weight in weights]) @ CORNERS


def _panel(axis: Axes, landscape: Landscape, rows: Sequence[str], looks: Mapping[str, Any]) -> None:
    """The triangle under one way of scoring: named territories, lines of equal weight, corners, sets of weights."""
    axis.set_axis_off()
    axis.set(aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.17, 1.0))
    for territory in landscape.territories:
        if territory.corners:
            _fill(axis, territory, looks)
        if territory.share > SMALLEST_LABELLED:
            names = [*territory.models[:4], *(["…"] if len(territory.models) > 4 else [])]
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
            x, y = _roomiest(territory, landscape)
            axis.text(x, y, plain("\n= ".join(names)), ha="center", va="center", bbox=box, zorder=3)
    for share in (0.2, 0.4, 0.6, 0.8):  # of one row
        for row in range(3):
            ends = [share * CORNERS[row] + (1 - share) * CORNERS[other] for other in {0, 1, 2} - {row}]
            axis.plot(*np.transpose(ends), color="white", linewidth=0.4, alpha=0.6)
    axis.add_patch(Polygon(CORNERS, closed=True, fill=False, edgecolor="#202024", linewidth=0.8))
    alignments = (("center", "bottom", 0.03), ("left", "top", -0.03), ("right", "top", -0.03))
    for (x, y), label, (across, along, away) in zip(CORNERS, rows, alignments, strict=True):
        axis.text(x, y + away, f"{plain(_broken(label))}\n100%", ha=across, va=along)
    for weights, marker in zip(landscape.sets.values(), _markers(landscape), strict=True):
        axis.plot(
            *place(weights),
            marker=marker,
            markersize=5,
            markerfacecolor="white",
            markeredgecolor="black",
            clip_on=False,
            zorder=4,
        )


def _fill(axis: Axes, territory: Territory, looks: Mapping[str, Any]) -> None:
    """A convex part of the triangle in the colour of its model; in stripes of two colours where models tie."""
    corners = np.array([place(corner) for corner in territory.corners])
    colour = looks[territory.models[0]]["color"]
    tied = len(territory.models) > 1
    hatch = {"hatch": "////", "edgecolor": looks[territory.models[1]]["color"], "linewidth": 0} if tied else {}
    axis.add_patch(Polygon(corners, closed=True, **{"facecolor": colour, "edgecolor": "none", **hatch}))
    axis.add_patch(Polygon(corners, closed=True, fill=False, edgecolor="white", linewidth=0.8))


def _roomiest(territory: Territory, landscape: Landscape) -> np.ndarray:
    """The place in a territory that is farthest from its borders and from the marked weights."""
    steps = range(-1, GRID + 2)  # one step beyond the triangle
    grid = np.array([(i, j, GRID - i - j) for i in steps for j in steps]) / GRID
    totals = {found.models: grid @ np.array(found.scores, dtype=float) for found in landscape.territories}
    inside = (grid > 0).all(axis=1) & (totals[territory.models] >= np.max(list(totals.values()), axis=0))
    marks = [place(weights) for weights in landscape.sets.values()]
    kept, shunned = grid[inside] @ CORNERS, np.vstack([grid[~inside] @ CORNERS, *marks])
    # Names are wider than high, so that horizontal distances count half.
    apart = ((kept[:, None] - shunned[None]) * [0.5, 1.0]) ** 2
    return kept[apart.sum(axis=2).min(axis=1).argmax()]


def _legend(landscapes: Mapping[str, Landscape], looks: Mapping[str, Any]) -> list[Any]:
    """A patch for each model that has the highest total anywhere, and a marker for each set of weights."""
    shown = {
        model
        for landscape in landscapes.values()
        for territory in landscape.territories
        if territory.corners
        for model in territory.models
    }
    patches = [Patch(color=look["color"], label=plain(model)) for model, look in looks.items() if model in shown]
    landscape = next(iter(landscapes.values()))
    marks = [
        Line2D([], [], marker=marker, label=plain(f"weights of {name}"), **MARK)
        for name, marker in zip(landscape.sets, _markers(landscape), strict=True)
    ]
    return [*patches, *marks]


def _markers(landscape: Landscape) -> list[str]:
    """A marker for each set of weights; after eight they repeat."""
    return [MARKERS[number % len(MARKERS)] for number in range(len(landscape.sets))]


def _broken(label: str) -> str:
    """A long label on two lines."""
    return label.replace(" (", "\n(", 1)
