"""Which model has the highest total in which part of the simplex of all weightings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

Point = tuple[Fraction, ...]  # weights or scores, one for each row of the matrix

EXACT_ROWS = 3
DRAWS = 1_000_000  # weightings, where shares are drawn: a standard error of 0.05 points at most
_DRAWS_AT_ONCE = 50_000


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
    models_by_point: dict[Point, list[str]] = {}
    for model, point in scores.items():
        models_by_point.setdefault(point, []).append(model)
    # A point that another one dominates in every row has the highest total nowhere, and takes no share from others.
    undominated = [
        point
        for point in models_by_point
        if not any(other != point and _dominates(other, point) for other in models_by_point)
    ]
    exact = all(len(point) <= EXACT_ROWS for point in undominated)
    found = {
        territory.scores: territory for territory in (_polygons if exact else _drawn)(models_by_point, undominated)
    }
    return [found.get(point, Territory(tuple(models), point, Fraction(0))) for point, models in models_by_point.items()]


def _dominates(scores: Point, other: Point) -> bool:
    """Whether the scores are at least as high as the others in every row."""
    return all(score >= other_score for score, other_score in zip(scores, other, strict=True))


def _polygons(models_by_point: Mapping[Point, Sequence[str]], points: Sequence[Point]) -> Iterator[Territory]:
    """The territories of the points, cut out of the simplex along the lines where two totals are equal."""
    for point in points:
        rows = range(len(point))
        corners = [tuple(Fraction(row == corner) for row in rows) for corner in rows]
        simplex_size = _size(corners)
        for other in points:
            lead = tuple(score - other_score for score, other_score in zip(point, other, strict=True))
            corners = _where_positive(corners, lead)
        share = _size(corners) / simplex_size
        yield Territory(tuple(models_by_point[point]), point, share, corners=tuple(corners) if share else ())


def _where_positive(corners: Sequence[Point], plane: Point) -> list[Point]:
    """The part of a convex polygon where `plane`·w >= 0 (Sutherland & Hodgman 1974)."""
    kept: dict[Point, None] = {}  # in order, each once
    for start, end in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        at_start, at_end = total(plane, start), total(plane, end)
        if at_start >= 0:
            kept[start] = None
        if at_start * at_end < 0:  # the edge crosses the plane
            part = at_start / (at_start - at_end)
            kept[tuple((1 - part) * first + part * second for first, second in zip(start, end, strict=True))] = None
    return list(kept)


def _size(corners: Sequence[Point]) -> Fraction:
    """The area of a polygon of weightings of three rows, or the length of a segment of two, in a unit of its own."""
    if not corners:
        return Fraction(0)
    if len(corners[0]) < EXACT_ROWS:
        return abs(corners[0][0] - corners[-1][0]) if len(corners[0]) == 2 else Fraction(1)
    edges = zip(corners, [*corners[1:], *corners[:1]], strict=True)
    # The shoelace formula.
    return abs(sum((start[0] * end[1] - end[0] * start[1] for start, end in edges), Fraction(0)))


def _drawn(models_by_point: Mapping[Point, Sequence[str]], points: Sequence[Point]) -> Iterator[Territory]:
    """The territories of the points, by weightings drawn at random; the same ones every time."""
    rng, scores = np.random.default_rng(0), np.array(points, dtype=float).T
    counts = np.zeros(len(points), dtype=int)
    for _ in range(DRAWS // _DRAWS_AT_ONCE):
        highest = np.argmax(rng.dirichlet(np.ones(len(scores)), _DRAWS_AT_ONCE) @ scores, axis=1)
        counts += np.bincount(highest, minlength=len(points))
    for point, count in zip(points, counts.tolist(), strict=True):
        share = Fraction(count, DRAWS)
        yield Territory(tuple(models_by_point[point]), point, share, math.sqrt(share * (1 - share) / DRAWS))


def total(scores: Point, weights: Point) -> Fraction:
    """The weighted total, on the scale of the scores."""
    return sum((score * weight for score, weight in zip(scores, weights, strict=True)), Fraction(0))
