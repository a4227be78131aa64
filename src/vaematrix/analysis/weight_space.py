"""Do the weights decide the winner? All weightings of the matrix's rows, as the points of a simplex.

A weighting is a point of the simplex: shares of the rows that add up to 1; with three rows it is a triangle. Under the
weights w a model with the scores s (its means over seeds) has the total w·s, which is linear in w, so that each model
wins in a convex part of the simplex. The simplex is cut along the planes where two totals are equal. All of it is
arithmetic of fractions: shares and distances are exact, and models that tie are known to tie.

"The share of all weightings" is the share of the simplex's volume, where all weightings are equally likely:
Dirichlet(1, …, 1).
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from vaematrix.analysis import matrix
from vaematrix.analysis.matrix import decimal

Point = tuple[Fraction, ...]
Rule = Mapping[str, Any]


def continuous_score(value: Decimal, rule: Rule) -> Fraction:
    """The score without steps: linear from breakpoint to breakpoint, and at each the score that it stands for.

    At the ends: 10 at the best breakpoint and beyond. After the worst (score 2) the last line goes on with its slope
    down to 1, and stays there. It is never less than the score in steps, and less than one point above it.
    """
    at = Fraction(value)
    corners = [(Fraction(decimal(end)), Fraction(10 - place)) for place, end in enumerate(rule["scores"])]
    (third, _), (second, _) = corners[-2:]
    corners.append((2 * second - third, Fraction(1)))
    sign = 1 if rule["better"] == "lower" else -1
    if sign * (at - corners[0][0]) <= 0:
        return corners[0][1]
    for (x, high), (end, low) in itertools.pairwise(corners):
        if sign * (at - end) <= 0:
            return high + (low - high) * (at - x) / (end - x)
    return Fraction(1)


Scoring = Callable[[Decimal, Rule], int | Fraction]
SCORINGS: dict[str, Scoring] = {"ten steps": matrix.score, "continuous": continuous_score}


def mean_scores(
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
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

    def mean(runs: Sequence[Mapping[str, Any]], key: str) -> Fraction:
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
        territories: who wins where.
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


# --- who wins where ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A simplex of weightings: its corners, and its share of all weightings."""

    corners: tuple[Point, ...]
    share: Fraction


@dataclass(frozen=True)
class Territory:
    """Where the models with these scores win: convex, in pieces. Several models have it together, where they tie."""

    models: tuple[str, ...]
    scores: Point
    pieces: tuple[Piece, ...]

    @property
    def share(self) -> Fraction:
        """The share of all weightings, from 0 to 1."""
        return sum((piece.share for piece in self.pieces), Fraction(0))


def territories(scores: Mapping[str, Point]) -> list[Territory]:
    """Who wins where. The shares add up to 1; only models with equal scores share more than a border.

    Args:
        scores: each model's scores, one a row of the matrix, from :func:`mean_scores`.
    """
    camps: dict[Point, list[str]] = {}
    for model, point in scores.items():
        camps.setdefault(point, []).append(model)
    # Who is beaten by one and the same other under all weights cuts nothing off from anyone.
    rivals = [one for one in camps if not any(other != one and _at_least(other, one) for other in camps)]
    found = []
    for point, models in camps.items():
        if point not in rivals:
            found.append(Territory(tuple(models), point, ()))
            continue
        corners = tuple(tuple(Fraction(row == at) for row in range(len(point))) for at in range(len(point)))
        pieces = [Piece(corners, Fraction(1))]
        for other in rivals:
            if other != point:
                lead = tuple(own - theirs for own, theirs in zip(point, other, strict=True))
                pieces = [part for piece in pieces for part in _where_positive(piece, lead)]
        found.append(Territory(tuple(models), point, tuple(pieces)))
    return found


def _at_least(one: Point, other: Point) -> bool:
    return all(mine >= theirs for mine, theirs in zip(one, other, strict=True))


def _where_positive(piece: Piece, plane: Point) -> list[Piece]:
    """The part of a simplex where `plane`·w >= 0, as simplices.

    An edge that crosses the plane is cut where it does, which makes two simplices of one: each takes the cut in place
    of one end of the edge, and its volume shrinks by the factor that the other end has in the cut (the determinant is
    linear in each corner). Each has one crossing corner less, so that this ends.
    """
    heights = [total(plane, corner) for corner in piece.corners]
    above = [place for place, height in enumerate(heights) if height > 0]
    below = [place for place, height in enumerate(heights) if height < 0]
    if not above:
        return []
    if not below:
        return [piece]
    top, bottom = above[0], below[0]
    part = heights[top] / (heights[top] - heights[bottom])  # of the way from the top to the bottom
    cut = tuple(
        (1 - part) * high + part * low
        for high, low in zip(piece.corners[top], piece.corners[bottom], strict=True)
    )  # fmt: skip
    parts = []
    for gone, share in ((bottom, part), (top, 1 - part)):
        corners = (*piece.corners[:gone], cut, *piece.corners[gone + 1 :])
        parts += _where_positive(Piece(corners, piece.share * share), plane)
    return parts


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
