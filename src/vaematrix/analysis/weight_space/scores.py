"""Each model's scores in the rows of the matrix, in steps and without, and the rubric's weights as points."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.weight_space.simplex import Point
from vaematrix.common.records import Metrics

Rule = Mapping[str, Any]


def continuous_score(value: Decimal, rule: Rule) -> Fraction:
    """The score without steps: linear from breakpoint to breakpoint, and at each the score that it stands for.

    Beyond the best breakpoint the first line goes on above 10, beyond the worst (score 2) the last one below 1: a score
    that stopped there would call models equal that are not. From 10 down to 1 it is never less than the score in
    steps, and less than one point above it.
    """
    exact, sign = Fraction(value), 1 if rule["better"] == "lower" else -1
    breakpoints = [Fraction(decimal(number)) for number in rule["scores"]]
    last = len(breakpoints) - 2
    line = next((place for place, worse in enumerate(breakpoints[1:]) if sign * (exact - worse) <= 0), last)
    better, worse = breakpoints[line : line + 2]
    return 10 - line - (exact - better) / (worse - better)


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
        scores = [Fraction(scoring(value, rubric["metrics"][key])) for value in matrix.values_of(runs, key)]
        return sum(scores, Fraction(0)) / len(scores)

    return {model: tuple(mean(runs, key) for key in keys.values()) for model, runs in groups.items()}


def weight_sets(rubric: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Point]:
    """The rubric's sets of weights as points; equal ones are one, under their names joined by commas."""
    names: dict[Point, list[str]] = {}
    for name, weights in rubric["weights"].items():
        point = tuple(Fraction(decimal(weights.get(row, 0))) / 100 for row in keys)
        names.setdefault(point, []).append(name)
    return {", ".join(same): point for point, same in names.items()}
