"""Charts of numbers: training curves, distributions over images, the rate-distortion plane."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import setp
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from vaematrix.common.records import Entry
from vaematrix.reporting.figures.style import (
    CHART_DPI,
    FONT_SIZE,
    GREY,
    WIDTH,
    model_lines,
    model_markers,
    plain,
    save,
    styled,
    width_of,
)

CURVES = (
    ("valid_loss", "Validation loss (nats)"),
    ("valid_kl", "Validation KL (nats)"),
    ("valid_mse", "Validation MSE on [0, 1]"),
    ("beta_eff", r"Effective $\beta$"),
    ("discriminator_loss", "Discriminator's hinge loss"),
    ("gradient_ratio", r"Gradient ratio $\lambda$"),
    ("real_accuracy", "Faces told as faces"),
    ("reconstruction_accuracy", "Reconstructions told as such"),
    ("sample_accuracy", "Samples told as such"),
    ("sample_spread", "Spread of samples over that of faces"),
)


def training_curves(
    path: str | Path,
    histories: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]],
    names: Sequence[str],
    curves: Sequence[tuple[str, str]] = CURVES,
) -> None:
    """Draw how training went: a thin line for each seed and a thick one for their mean, one colour and style a model.

    Args:
        histories: model -> for each seed the epochs as in `history.jsonl`.
        names: all models of the configuration in its order, which decides the colours.
        curves: (key of the epochs, title of its panel) each; a panel that no run has values for is left out.
    """
    lines, marks = model_lines(names), model_markers(names)
    looks = {model: lines[model] | marks[model] | {"markersize": 4} for model in histories}
    runs = [epochs for seeds in histories.values() for epochs in seeds]
    panels = [(key, title) for key, title in curves if any(key in epoch for epochs in runs for epoch in epochs)]
    columns = min(2, max(1, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    with styled():
        figure = _figure(2.1 * rows, histories)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.remove()
        for axis, (key, title) in zip(axes, panels, strict=False):
            axis.set(title=title, xlabel="Epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, steps=[1, 2, 5, 10]))
            axis.ticklabel_format(axis="y", useOffset=False)
            for model, seeds in histories.items():
                _draw_curves(axis, [_series(epochs, key) for epochs in seeds], looks[model])
        _legend(figure, looks)
        save(path, figure)


def distributions(
    path: str | Path, panels: Mapping[str, Mapping[str, Sequence[np.ndarray]]], names: Sequence[str]
) -> None:
    """Draw how a metric is distributed over the images, one violin a model: all seeds' images, and each seed's median.

    Args:
        panels: title -> model -> for each seed the value of each image, [n].
        names: all models of the configuration in its order, which decides the colours.
    """
    marks = model_markers(names)
    models = list(next(iter(panels.values())))
    with styled():
        figure = Figure(figsize=(WIDTH, 0.8 + 0.42 * len(models)), dpi=CHART_DPI, layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, values) in zip(axes, panels.items(), strict=True):
            axis.set(title=title, yticks=range(len(models)), yticklabels=map(plain, models))
            axis.tick_params(axis="y", length=0)
            axis.grid(axis="y", visible=False)
            for place, model in enumerate(models):
                _draw_violin(axis, place, values[model], marks[model])
        axes[0].invert_yaxis()
        save(path, figure)


def rate_distortion(
    path: str | Path, points: Mapping[str, Sequence[tuple[float, float]]], names: Sequence[str]
) -> None:
    """Draw each run as a point: its rate, the KL in nats an image, against its distortion, the MSE on [0, 1].

    The plane of Alemi et al. (2018), Fixing a Broken ELBO, with the MSE for their negative log likelihood: for one σ,
    one is a straight line of the other.

    Args:
        points: model -> (KL, MSE) of each of its runs.
        names: all models of the configuration in its order, which decides colours and markers.
    """
    marks = model_markers(names)
    looks = {model: marks[model] | {"linestyle": "none", "markersize": 5.5} for model in points}
    with styled():
        figure = _figure(2.9, points)
        axis = figure.subplots()
        axis.set(xlabel="Rate: KL (nats an image)", ylabel="Distortion: MSE on [0, 1]")
        axis.yaxis.set_major_locator(MaxNLocator(5))
        for model, runs in points.items():
            axis.plot(*zip(*runs, strict=True), **looks[model], clip_on=False, zorder=3)
        axis.margins(0.12)
        _legend(figure, looks)
        save(path, figure)


def latent_units(
    path: str | Path, runs: Mapping[str, Sequence[Sequence[Mapping[str, float]]]], names: Sequence[str], active: float
) -> None:
    """Draw how each model uses its latent units: KL, and variance of the posterior mean, in falling order.

    Args:
        runs: model -> for each seed its units with `kl` in nats and `variance_of_mean`.
        names: all models of the configuration in its order, which decides the colours.
        active: the variance of the mean above which a unit counts as active (Burda et al., 2016).
    """
    lines, marks = model_lines(names), model_markers(names)
    looks = {model: lines[model] | marks[model] | {"markersize": 4} for model in runs}
    with styled():
        figure = _figure(2.3, runs)
        panels = (("kl", "KL of each unit (nats)"), ("variance_of_mean", "Variance of each unit's posterior mean"))
        for axis, (key, title) in zip(figure.subplots(1, 2), panels, strict=True):
            axis.set(title=title, xlabel="Units, the largest first")
            for model, seeds in runs.items():
                falling = [sorted((unit[key] for unit in units), reverse=True) for units in seeds]
                _draw_curves(axis, [dict(enumerate(values, 1)) for values in falling], looks[model])
            if key == "variance_of_mean":
                axis.set_yscale("log")
                axis.axhline(active, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        _legend(figure, looks)
        save(path, figure)


def distance_by_count(
    path: str | Path,
    runs: Mapping[str, Sequence[tuple[Entry, Sequence[Mapping[str, float]]]]],
    names: Sequence[str],
    label: str,
) -> None:
    """Draw the Fréchet distance at several sample counts over 1/N, and its interval at endless samples.

    Args:
        runs: model -> for each seed the extrapolated entry and the points it comes from
            (`count`, `distance`), by rising count.
        names: all models of the configuration in its order, which decides the colours.
        label: of the distance.
    """
    marks = model_markers(names)
    looks = {model: marks[model] | {"linestyle": "none", "markersize": 4} for model in runs}
    with styled():
        figure = _figure(2.7, runs)
        axis = figure.subplots()
        axis.set(xlabel="Number of samples N, on a scale of 1/N", ylabel=label)
        counts = sorted({point["count"] for seeds in runs.values() for _, points in seeds for point in points})
        for model, seeds in runs.items():
            for end, points in seeds:
                x, y = [1 / point["count"] for point in points], [point["distance"] for point in points]
                axis.plot(x, y, **looks[model])
                axis.plot([x[-2], 0], [y[-2], end.value], color=looks[model]["color"], linewidth=0.8)
                if end.low is not None and end.high is not None:
                    around = [[end.value - end.low], [end.high - end.value]]
                    axis.errorbar(0, end.value, around, color=looks[model]["color"], capsize=2, linewidth=1)
        if counts:
            axis.set_xticks([0, *(1 / count for count in counts)], ["∞", *(f"{count:,}" for count in counts)])
        else:
            note = "Not measured: fewer than four samples a dimension of the features."
            axis.text(0.5, 0.5, note, transform=axis.transAxes, ha="center", va="center")
            axis.set(xticks=[], yticks=[])
        _legend(figure, looks)
        save(path, figure)


def _figure(height: float, models: Mapping[str, Any]) -> Figure:
    """A figure of `height` inches, and room for the models' legend below."""
    lines = -(-len(models) // _abreast(models))
    size = (WIDTH, height + 1.7 * FONT_SIZE / 72 * lines)
    return Figure(figsize=size, dpi=CHART_DPI, layout="constrained", facecolor="white")


def _abreast(models: Mapping[str, Any]) -> int:
    """How many names a line of the legend takes."""
    widest = max((width_of(model) for model in models), default=0)
    return max(1, min(6, len(models), int(WIDTH / (widest + 5 * FONT_SIZE / 72))))


def _legend(figure: Figure, looks: Mapping[str, Mapping[str, Any]]) -> None:
    handles = [Line2D([], [], **look, label=plain(model)) for model, look in looks.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=_abreast(looks), frameon=False)


def _series(epochs: Sequence[Mapping[str, Any]], key: str) -> dict[int, float]:
    """Epoch -> value, where there is one."""
    return {epoch["epoch"]: epoch[key] for epoch in epochs if epoch.get(key) is not None}


def _draw_curves(axis: Axes, runs: Sequence[Mapping[int, float]], look: Mapping[str, Any]) -> None:
    """The seeds of one model, and their mean over the epochs that all of them have, with the marker at its end."""
    runs = [run for run in runs if run]
    if not runs:
        return
    shared = sorted(set.intersection(*(set(run) for run in runs)))
    if len(runs) > 1:
        for run in runs:
            axis.plot(list(run), list(run.values()), **{**look, "marker": ""}, linewidth=0.6, alpha=0.5)
    means = [np.mean([run[epoch] for run in runs]) for epoch in shared]
    axis.plot(shared, means, **look, linewidth=1.5, markevery=[-1] if shared else None)


def _draw_violin(axis: Axes, place: int, seeds: Sequence[np.ndarray], mark: Mapping[str, Any]) -> None:
    """One model's images as a violin, the range from 5 to 95 % and the quartiles; each seed's median as a marker."""
    values = np.concatenate(seeds)
    if np.ptp(values) > 0:  # a violin of equal values has no width
        violin = axis.violinplot([values], [place], orientation="horizontal", widths=0.8, showextrema=False, points=200)
        setp(violin["bodies"], facecolor=mark["color"], alpha=0.3, edgecolor="none")
    low, first, third, high = np.quantile(values, [0.05, 0.25, 0.75, 0.95])
    axis.hlines(place, low, high, color=GREY, linewidth=0.6)
    axis.hlines(place, first, third, color=mark["color"], linewidth=3)
    look = {**mark, "linestyle": "none", "markersize": 4.5, "markerfacecolor": "white", "zorder": 3}
    axis.plot([np.median(values) for values in seeds], [place] * len(seeds), **look)
