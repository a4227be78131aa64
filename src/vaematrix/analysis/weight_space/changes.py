"""How far the weights must move until another model leads, or until any two models change places."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from vaematrix.analysis.weight_space.simplex import Point, total


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
    lead = [score_ahead - score_behind for score_ahead, score_behind in zip(ahead, behind, strict=True)]
    target = min(range(len(lead)), key=lead.__getitem__)
    if lead[target] >= 0:
        return None
    gap, moved = total(tuple(lead), weights), list(weights)
    for row in sorted(range(len(lead)), key=lambda row: -lead[row]):
        gain = lead[row] - lead[target]
        if gap > 0 and gain > 0:
            amount = min(weights[row], gap / gain)
            moved[row] -= amount
            moved[target] += amount
            gap -= amount * gain
    return moved[target] - weights[target], tuple(moved)


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


def _smallest(scores: Mapping[str, Point], weights: Point, pairs: Iterable[tuple[str, str]]) -> Change | None:
    """The smallest change after which the second of any pair of models is ahead of the first."""
    changes = [
        Change(ahead, behind, *found)
        for ahead, behind in pairs
        if (found := overtaking(weights, scores[ahead], scores[behind]))
    ]
    return min(changes, key=lambda change: change.moved, default=None)
