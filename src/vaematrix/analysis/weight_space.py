"""Do the weights decide who has the highest total? All weightings of the matrix's rows, as the points of a simplex.

A weighting is a point of the simplex: shares of the rows that add up to 1; with three rows it is a triangle. Under the
weights w a model with the scores s (its means over seeds) has the total w·s, which is linear in w, so that each model
has the highest one in a convex part of the simplex.

"The share of all weightings" is the share of the simplex's volume, where all weightings are equally likely:
Dirichlet(1, …, 1). With up to three rows that part is a polygon, cut out in fractions: its share is exact. With more
rows there are too many corners to cut (86 s for five rows and twelve models); there the share is that of weightings
drawn at random, and has a standard error. How far weights must move is exact always, and so is who ties with whom.

All of it compares means over seeds, and says nothing of chance: that is for :mod:`vaematrix.differences`.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import decimal
from vaematrix.common.records import Metrics

Point = tuple[Fraction, ...]
Rule = Mapping[str, Any]

EXACT_ROWS = 3
DRAWS = 1_000_000  # weightings, where shares are drawn: a standard error of 0.05 points at most
_DRAWS_AT_ONCE = 50_000


def continuous_score(value: Decimal, rule: Rule) -> Fraction:
    """The score without steps: linear from breakpoint to breakpoint, and at each the score that it stands for.

    Beyond the best breakpoint the first line goes on above 10, beyond the worst (score 2) the last one below 1: a score
    that stopped there would call models equal that are not. From 10 down to 1 it is never less than the score in
    steps, and less than one point above it.
    """
    at, sign = Fraction(value), 1 if rule["better"] == "lower" else -1
    ends = [Fraction(decimal(end)) for end in rule["scores"]]
    line = next((place for place, end in enumerate(ends[1:]) if sign * (at - end) <= 0), len(ends) - 2)
    better, worse = ends[line : line + 2]
    return 10 - line - (at - better) / (worse - better)


Scoring = Callable[[Decimal, Rule], int | Fraction]
SCORINGS: dict[str, Scoring] = {"ten steps": matrix.score, "continuous": continuous_score}


def mean_scores(
    groups: Mapping[str, Sequence[Metrics]],
    rubric: Mapping[str, Any],
    keys: Mapping[str, str],
    scoring: Scoring,
) -> dict[str, Point]:
    """Each model's score in each row of the matrix: the mean over its seeds.

    Args:
        groups: the runs of each model, each with a value for every row.
        keys: which metric fills which row.
        scoring: one of SCORINGS.
    """

    def mean(runs: Sequence[Metrics], key: str) -> Fraction:
        rule = rubric["metrics"][key]
        return sum((scoring(matrix.value_of(run, key), rule) for run in runs), Fraction(0)) / len(runs)

    return {model: tuple(mean(runs, key) for key in keys.values()) for model, runs in groups.items()}


def weight_sets(rubric: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Point]:
    """The rubric's sets of weights as points; equal ones are one, under their names joined by commas."""
    names: dict[Point, list[str]] = {}
    for name, weights in rubric["weights"].items():
        point = tuple(Fraction(decimal(weights.get(row, 0))) / 100 for row in keys)
        names.setdefault(point, []).append(name)
    return {", ".join(same): point for point, same in names.items()}


@dataclass(frozen=True)
class Landscape:
    """All weightings under one way of scoring.

    Attributes:
        scores: each model's, one a row of the matrix.
        territories: who has the highest total where.
        sets: the rubric's sets of weights, as :func:`weight_sets` names them.
    """

    scores: Mapping[str, Point]
    territories: Sequence["Territory"]
    sets: Mapping[str, Point]

    @cached_property
    def changes(self) -> list[tuple[str, Point, list[str], "Change | None", "Change | None"]]:
        """For each set of weights its name, the weights, who leads, and the smallest changes of leader and of order."""
        return [
            (name, at, leaders(self.scores, at), change_of_leader(self.scores, at), change_of_order(self.scores, at))
            for name, at in self.sets.items()
            if self.scores
        ]


def landscapes(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], rubric: Mapping[str, Any], keys: Mapping[str, str]
) -> dict[str, Landscape]:
    """The landscape under each of SCORINGS. The arguments are those of :func:`mean_scores`."""
    sets = weight_sets(rubric, keys)
    scores = {name: mean_scores(groups, rubric, keys, scoring) for name, scoring in SCORINGS.items()}
    return {name: Landscape(of, territories(of), sets) for name, of in scores.items()}


# --- who has the highest total where ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Territory:
    """Where the models with these scores have the highest total. Several have it together, where they tie.

    Attributes:
        share: of all weightings, from 0 to 1.
        error: the standard error of the share; 0 where it is exact.
        corners: of the polygon, in order around it, where there are up to EXACT_ROWS rows; empty where it has no area.
    """

    models: tuple[str, ...]
    scores: Point
    share: Fraction
    error: float = 0.0
    corners: tuple[Point, ...] = ()


def territories(scores: Mapping[str, Point]) -> list[Territory]:
    """Who has the highest total where. The shares add up to 1; only models with equal scores share more than a border.

    Args:
        scores: each model's scores, one a row of the matrix, from :func:`mean_scores`.
    """
    camps: dict[Point, list[str]] = {}
    for model, point in scores.items():
        camps.setdefault(point, []).append(model)
    # Who is beaten by one and the same other under all weights cuts nothing off from anyone.
    rivals = [one for one in camps if not any(other != one and _at_least(other, one) for other in camps)]
    exact = all(len(point) <= EXACT_ROWS for point in rivals)
    found = {one.scores: one for one in (_polygons if exact else _drawn)(camps, rivals)}
    return [found.get(point, Territory(tuple(models), point, Fraction(0))) for point, models in camps.items()]


def _at_least(one: Point, other: Point) -> bool:
    return all(mine >= theirs for mine, theirs in zip(one, other, strict=True))


def _polygons(camps: Mapping[Point, Sequence[str]], rivals: Sequence[Point]) -> Iterator[Territory]:
    """The territories of the rivals, cut out of the simplex along the lines where two totals are equal."""
    for point in rivals:
        corners = [tuple(Fraction(row == at) for row in range(len(point))) for at in range(len(point))]
        whole = _size(corners)
        for other in rivals:
            corners = _where_positive(corners, tuple(own - theirs for own, theirs in zip(point, other, strict=True)))
        share = _size(corners) / whole
        yield Territory(tuple(camps[point]), point, share, corners=tuple(corners) if share else ())


def _where_positive(corners: Sequence[Point], plane: Point) -> list[Point]:
    """The part of a convex polygon where `plane`·w >= 0 (Sutherland & Hodgman 1974)."""
    kept: dict[Point, None] = {}  # in order, each once
    for start, end in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        here, there = total(plane, start), total(plane, end)
        if here >= 0:
            kept[start] = None
        if here * there < 0:
            part = here / (here - there)
            kept[tuple((1 - part) * one + part * other for one, other in zip(start, end, strict=True))] = None
    return list(kept)


def _size(corners: Sequence[Point]) -> Fraction:
    """The area of a polygon of weightings of three rows, or the length of a segment of two, in a unit of its own."""
    if not corners:
        return Fraction(0)
    if len(corners[0]) < EXACT_ROWS:
        return abs(corners[0][0] - corners[-1][0]) if len(corners[0]) == 2 else Fraction(1)
    turns = zip(corners, [*corners[1:], *corners[:1]], strict=True)
    return abs(sum((one[0] * other[1] - other[0] * one[1] for one, other in turns), Fraction(0)))  # Gauss's formula


def _drawn(camps: Mapping[Point, Sequence[str]], rivals: Sequence[Point]) -> Iterator[Territory]:
    """The territories of the rivals, by weightings drawn at random; the same ones every time."""
    rng, scores = np.random.default_rng(0), np.array(rivals, dtype=float).T
    counts = np.zeros(len(rivals), dtype=int)
    for _ in range(DRAWS // _DRAWS_AT_ONCE):
        highest = np.argmax(rng.dirichlet(np.ones(len(scores)), _DRAWS_AT_ONCE) @ scores, axis=1)
        counts += np.bincount(highest, minlength=len(rivals))
    for point, count in zip(rivals, counts.tolist(), strict=True):
        share = Fraction(count, DRAWS)
        yield Territory(tuple(camps[point]), point, share, math.sqrt(share * (1 - share) / DRAWS))


def total(scores: Point, weights: Point) -> Fraction:
    """The weighted total, on the scale of the scores."""
    return sum((score * weight for score, weight in zip(scores, weights, strict=True)), Fraction(0))


# --- how far the weights must move ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """The smallest change of the weights after which `overtaker` is ahead of `overtaken`.

    Attributes:
        moved: how much weight goes from some rows to others, as a share of all weight: half the sum of the absolute
            changes. At this point the two are equal, and ahead of it the order has changed.
        weights: the weights at which they are equal.
    """

    overtaken: str
    overtaker: str
    moved: Fraction
    weights: Point


def overtaking(weights: Point, ahead: Point, behind: Point) -> tuple[Fraction, Point] | None:
    """How much weight must move until `behind` equals `ahead`, and where; None where it never gets ahead.

    All weight moves to the row in which `behind` does best against `ahead`, first from the row in which it does worst:
    no other transfer closes more of the gap (the greedy solution of this linear programme).

    Args:
        ahead, behind: scores, with total(ahead) >= total(behind) under the weights.
    """
    lead = [one - other for one, other in zip(ahead, behind, strict=True)]
    target = min(range(len(lead)), key=lead.__getitem__)
    if lead[target] >= 0:
        return None
    gap, now = total(tuple(lead), weights), list(weights)
    for row in sorted(range(len(lead)), key=lambda row: -lead[row]):
        gain = lead[row] - lead[target]
        if gap > 0 and gain > 0:
            amount = min(weights[row], gap / gain)
            now[row], now[target], gap = now[row] - amount, now[target] + amount, gap - amount * gain
    return now[target] - weights[target], tuple(now)


def leaders(scores: Mapping[str, Point], weights: Point) -> list[str]:
    """The models with the highest total under the weights; several where they tie."""
    best = max(total(point, weights) for point in scores.values())
    return [model for model, point in scores.items() if total(point, weights) == best]


def change_of_leader(scores: Mapping[str, Point], weights: Point) -> Change | None:
    """The smallest change of the weights after which another model leads; None where none ever does."""
    first = leaders(scores, weights)[0]
    return _smallest(scores, weights, [(first, other) for other in scores])


def change_of_order(scores: Mapping[str, Point], weights: Point) -> Change | None:
    """The smallest change of the weights after which any two models have changed places."""
    order = sorted(scores, key=lambda model: -total(scores[model], weights))
    return _smallest(scores, weights, itertools.combinations(order, 2))


def _smallest(scores: Mapping[str, Point], weights: Point, pairs: Any) -> Change | None:
    changes = [
        Change(ahead, behind, *found)
        for ahead, behind in pairs
        if (found := overtaking(weights, scores[ahead], scores[behind]))
    ]
    return min(changes, key=lambda change: change.moved, default=None)
