"""Tables of what may be claimed: differences between models, and what the weights decide."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from vaematrix.analysis.differences import Difference, between_models, settings
from vaematrix.analysis.matrix import rounded
from vaematrix.analysis.weight_space import (
    Landscape,
    Point,
    landscapes,
)
from vaematrix.reporting.tables.full import full
from vaematrix.reporting.tables.results import Results

MOST_PAIRS = 15  # six models: more are shown against the best model only, and stand whole in the CSV


@dataclass(frozen=True)
class Findings:
    """What goes beyond each model's own numbers.

    Attributes:
        differences: every pair of models in every metric.
        landscapes: all weightings, by the name of the scoring.
    """

    differences: Sequence[Difference]
    landscapes: Mapping[str, Landscape]


def findings(results: Results, per_image: Mapping[tuple[str, int], pd.DataFrame]) -> Findings:
    """Work out the findings. Args: per_image: the values of each run's faces, by model and seed."""
    metrics = [*results.keys.values(), *results.further]
    return Findings(
        between_models(results.groups, per_image, metrics),
        landscapes(results.groups, results.rubric, results.keys),
    )


# --- differences ------------------------------------------------------------------------------------------------------


def differences_frame(results: Results, differences: Sequence[Difference]) -> pd.DataFrame:
    """The differences in the matrix's metrics, as they are printed."""
    rows = [
        [
            results.heading(one.metric),
            one.first,
            one.second,
            number(one.value, results.decimals(one.metric) + 1),
            interval(one, results.decimals(one.metric) + 1),
            str(one.n),
            one.covers,
            None if one.p_holm is None else number(one.p_holm, 3),
            one.verdict,
        ]
        for metric in results.keys.values()
        for one in _shown([one for one in differences if one.metric == metric], results)
    ]
    columns = ["Metric", "A", "B", "A − B", f"{_confidence(differences)} interval", "n", "Covers", "p (Holm)", "Claim"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _shown(differences: list[Difference], results: Results) -> list[Difference]:
    if len(differences) <= MOST_PAIRS:
        return differences
    means = {model: spread.mean for model in results.groups if (spread := results.spread(model, differences[0].metric))}
    best = (min if differences[0].better == "lower" else max)(means, key=means.__getitem__)
    return [one for one in differences if best in (one.first, one.second)]


def _confidence(differences: Sequence[Difference]) -> str:
    return f"{(differences[0].confidence if differences else 0.95) * 100:g}%"


def number(value: float, places: int) -> str:
    """A number in print, with a minus sign that is one; a dash where there is none."""
    return "–" if value != value else rounded(Decimal(repr(value)), places).replace("-", "−")


def interval(one: Difference, places: int) -> str | None:
    """An interval in print."""
    return None if one.low is None or one.high is None else f"[{number(one.low, places)}, {number(one.high, places)}]"


def differences_note(results: Results) -> str:
    """How the differences are to be read."""
    pairs = math.comb(len(results.groups), 2)
    confidence, resamples = settings(results.runs)
    wanted = math.ceil(2 * pairs / (1 - confidence))
    note = (
        "A − B is the mean over the n seeds that both have. With one seed the interval covers the faces: it speaks of "
        "these two trained networks, paired face by face. With several it covers faces and seeds, and for measures of "
        "whole sets the seeds, paired seed by seed. An interval that covers zero is not distinguishable from chance. "
        f"{pairs} pairs of models are compared in each metric, and p is adjusted for that (Holm)."
    )
    if pairs > MOST_PAIRS:
        note += " Shown are the pairs with the best model; the CSV has all."
    if resamples < wanted:
        note += f" So many pairs want at least {wanted} resamples (evaluation.resamples) for a p that Holm lets stand."
    return note


def differences_rows(results: Results, differences: Sequence[Difference]) -> pd.DataFrame:
    """One row for each metric and pair of models."""
    columns = [
        "metric", "label", "first", "second", "n", "difference", "low", "high", "confidence", "covers", "p", "p_holm",
        "claim",
    ]  # fmt: skip
    rows = [
        [one.metric, results.label(one.metric), one.first, one.second, one.n, full(None if not one.n else one.value),
         *map(full, (one.low, one.high, one.confidence)), one.covers, full(one.p), full(one.p_holm), one.verdict]
        for one in differences
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


# --- weights ----------------------------------------------------------------------------------------------------------


def percent(share: Fraction) -> str:
    """A share in percent, with one decimal."""
    return _decimals(100 * share, 1)


def shares_frame(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """How much of all weightings each model wins, with its mean scores, under each scoring."""
    rows = [
        [scoring, model, str(len(results.groups[model])), *(_decimals(part, 2) for part in landscape.scores[model]),
         f"{percent(share)}%{_tied(others, landscape)}"]
        for scoring, landscape in landscapes.items()
        for model, (share, others) in zip(results.groups, _won(landscape, results.groups), strict=True)
    ]  # fmt: skip
    columns = ["Scores", "Model", "n", *(results.label(key) for key in results.keys.values()), "Wins"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _won(landscape: Landscape, models: Iterable[str]) -> list[tuple[Fraction, list[str]]]:
    """For each model the share of all weightings it wins, and who ties with it everywhere."""
    of = {model: territory for territory in landscape.territories for model in territory.models}
    return [(of[model].share, [other for other in of[model].models if other != model]) for model in models]


def _tied(others: Sequence[str], landscape: Landscape) -> str:
    if not others:
        return ""
    return " (all tie)" if len(others) + 1 == len(landscape.scores) else f" (tied with {', '.join(others)})"


def _decimals(part: Fraction, places: int) -> str:
    return rounded(Decimal(part.numerator) / part.denominator, places)


def _point(point: Point, places: int) -> str:
    return " / ".join(_decimals(part, places) for part in point)


def changes_frame(landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """How far each set of weights is from another leader, and from another order."""
    rows = []
    for scoring, landscape in landscapes.items():
        for name, weights, first, leader, order in landscape.changes:
            rows.append(
                [
                    name,
                    _point(tuple(100 * weight for weight in weights), 0),
                    scoring,
                    "all tie" if len(first) == len(landscape.scores) > 1 else " = ".join(first),
                    percent(leader.moved) if leader else "never",
                    leader.overtaker if leader else None,
                    percent(order.moved) if order else "never",
                    f"{order.overtaker} over {order.overtaken}" if order else None,
                ]
            )
    columns = ["Weights of", "Percent", "Scores", "Leader", "Leads until", "Then", "Order holds until", "Then "]
    return pd.DataFrame(rows, columns=columns, dtype=object)


WEIGHTS_NOTE = (
    "Wins: the share of all weightings of the rows (each as likely as any other) under which the model's total is the "
    "highest, exact. Ten steps: the rubric's scores. Continuous: linear between its breakpoints, 10 at the best and "
    "beyond, and past the worst on with the last slope down to 1. Scores are means over seeds."
)
CHANGES_NOTE = (
    "Until: the percentage points of weight that must at least move from some rows to others before another model "
    "leads, and before any two models change places; 0.0 is a tie."
)


def shares_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring and model."""
    keys = results.keys.values()
    rows = [
        [scoring, model, len(results.groups[model]), *map(full, landscape.scores[model]), full(100 * share),
         "; ".join(others)]
        for scoring, landscape in landscapes.items()
        for model, (share, others) in zip(results.groups, _won(landscape, results.groups), strict=True)
    ]  # fmt: skip
    columns = ["scoring", "model", "n", *(f"{key}_score" for key in keys), "share_percent", "tied_with"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def changes_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring, set of weights and kind of change, with the weights at which two models are equal."""
    rows = []
    for scoring, landscape in landscapes.items():
        for name, weights, first, leader, order in landscape.changes:
            for kind, change in (("leader", leader), ("order", order)):
                there = [change.overtaker, change.overtaken, full(100 * change.moved)] if change else [None] * 3
                equal = [full(100 * part) for part in change.weights] if change else [None] * len(weights)
                rows.append([scoring, name, "; ".join(first), kind, *there, *equal])
    columns = ["scoring", "weights", "leader", "change_of", "overtaker", "overtaken", "points"]
    columns += [f"{key}_percent_there" for key in results.keys.values()]
    return pd.DataFrame(rows, columns=columns, dtype=object)
