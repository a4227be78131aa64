"""The evaluation matrix: values become scores, scores become weighted totals.

The arithmetic is decimal and exact (`vaematrix.analysis.decimals`). A mean or a standard deviation is divided out once,
last, to 28 digits; only printing rounds.

A model that was trained with several seeds is scored once per seed; its matrix shows the mean of the values, of the
scores and of the totals, each with its sample standard deviation (n − 1 in the denominator). The score of a mean value
is not used: it would hide that the seeds lie on either side of a breakpoint.
"""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.rubric import row_keys, weighting_of
from vaematrix.common.errors import UserError
from vaematrix.common.records import Metrics, has_to_agree


@dataclass(frozen=True)
class Spread:
    """A mean over seeds. With one seed there is no standard deviation: `sd` is None, never zero."""

    mean: Decimal
    sd: Decimal | None
    n: int


@dataclass(frozen=True)
class Row:
    """One line of the paper's matrix: Metrics, Numeric, Score, Weight, Weighted Score.

    `weight` is in percent; a score runs from 1 to 10, a weighted score is score × weight / 100.
    """

    key: str
    label: str
    numeric: Spread
    score: Spread
    weight: Decimal
    weighted: Spread


@dataclass(frozen=True)
class Matrix:
    """The matrix of one model under the weights of the set `weighting`, over `seeds`."""

    model: str
    weighting: str
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    total: Spread


@dataclass(frozen=True)
class Standing:
    """One model's total under one set of weights, and its rank there (1 is best; equals share a rank)."""

    model: str
    weighting: str
    total: Spread
    rank: int


def score(value: Decimal, rule: Mapping[str, Any]) -> int:
    """The score of a value: the highest whose breakpoint it reaches, 1 if it reaches none.

    Args:
        rule: `better` (lower or higher) and `scores`, the breakpoints for 10, 9, …, 2.
    """
    for points, breakpoint_ in zip(range(10, 1, -1), map(decimal, rule["scores"]), strict=True):
        if value <= breakpoint_ if rule["better"] == "lower" else value >= breakpoint_:
            return points
    return 1


def spread(values: Sequence[Decimal]) -> Spread:
    """Mean and sample standard deviation (n − 1) of one value per seed."""
    return Spread(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def spread_over(runs: Sequence[Metrics], key: str) -> Spread | None:
    """The mean over runs of what they measured under `key`; None where there are none, or one has no value."""
    values = [value for run in runs if (value := value_of(run, key)) is not None]
    return spread(values) if values and len(values) == len(runs) else None


def weighting_of_run(run: Metrics, rubric: Mapping[str, Any]) -> str:
    """:func:`weighting_of` a run's model: the variants of a sweep are of the entry that sweeps, however they are named.

    A run measured before entries were recorded is of the entry with its model's name.
    """
    return weighting_of(run.model, run.run.entry or run.model, rubric)


def value_of(run: Metrics, key: str) -> Decimal | None:
    """The measured value under `key`, or None where it is absent or no number."""
    entry = run.metrics.get(key)
    return None if entry is None or not math.isfinite(entry.value) else decimal(entry.value)


def values_of(runs: Sequence[Metrics], key: str) -> list[Decimal]:
    """The values that runs measured under `key`.

    Raises:
        UserError: one has none.
    """
    values = []
    for run in runs:
        if (value := value_of(run, key)) is None:
            raise UserError(f"{run.model}: a run has no value for {key}; leave it out of the matrix.")
        values.append(value)
    return values


def matrix_keys(runs: Iterable[Metrics], rubric: Mapping[str, Any]) -> dict[str, str]:
    """The metric measured for each row of the matrix: itself, or the one the rubric allows `in_place_of` it.

    Raises:
        UserError: some runs have one, some the other; they cannot stand in one column.
    """
    runs = list(runs)
    keys = {}
    for row in row_keys(rubric):
        present = {}
        for key in (row, *(key for key, rule in rubric["metrics"].items() if rule.get("in_place_of") == row)):
            named = [run for run in runs if value_of(run, key) is not None]
            if named:
                present[key] = named[0]
        if len(present) > 1:
            seen = " and ".join(f"{key} ({run})" for key, run in present.items())
            raise UserError(
                f"{seen} are different measures and cannot stand in one table. "
                "Measure all runs of the experiment with the same features."
            )
        keys[row] = next(iter(present), row)
    return keys


def lacking(run: Metrics, keys: Mapping[str, str]) -> list[str]:
    """The metrics of the matrix for which a run has no value."""
    return [key for key in keys.values() if value_of(run, key) is None]


def evaluation_matrix(
    runs: Sequence[Metrics],
    rubric: Mapping[str, Any],
    weighting: str | None = None,
    keys: Mapping[str, str] | None = None,
) -> Matrix:
    """The matrix of one model from one run, or from its runs with several seeds.

    Args:
        runs: of one model, each with a value for every row of the matrix.
        rubric: the rubric, as `rubric.check_rubric` accepts it.
        weighting: the name of the set of weights; None for the model's own.
        keys: which metric fills which row; None to see from the runs.
    """
    model = runs[0].model
    weighting = weighting or weighting_of_run(runs[0], rubric)
    keys = keys or matrix_keys(runs, rubric)
    rows, weighted_by_row = [], []
    for row, key in keys.items():
        rule, weight = rubric["metrics"][key], decimal(rubric["weights"][weighting].get(row, 0))
        values = values_of(runs, key)
        scores = [Decimal(score(value, rule)) for value in values]
        weighted = [points * weight / 100 for points in scores]
        weighted_by_row.append(weighted)
        rows.append(Row(key, rule["label"], spread(values), spread(scores), weight, spread(weighted)))
    totals = [sum(column, Decimal(0)) for column in zip(*weighted_by_row, strict=True)]
    return Matrix(model, weighting, tuple(run.seed for run in runs), tuple(rows), spread(totals))


def cross_weights(
    groups: Mapping[str, Sequence[Metrics]],
    rubric: Mapping[str, Any],
    sets: Sequence[str] | None = None,
) -> list[Standing]:
    """Every model under every model's weights: totals under different weights cannot be compared, these can.

    Args:
        groups: the runs of each model.
        sets: the names of the sets of weights; None for those of the models.
    """
    keys = matrix_keys(itertools.chain.from_iterable(groups.values()), rubric)
    standings = []
    for weighting in sets or dict.fromkeys(weighting_of_run(runs[0], rubric) for runs in groups.values()):
        totals = {model: evaluation_matrix(runs, rubric, weighting, keys).total for model, runs in groups.items()}
        for model, total in totals.items():
            rank = 1 + sum(other.mean > total.mean for other in totals.values())
            standings.append(Standing(model, weighting, total, rank))
    return standings


def check_protocols(runs: Sequence[Metrics], floors: Sequence[Metrics] = ()) -> None:
    """Refuse to compare what was not measured alike.

    Raises:
        UserError: two runs differ in experiment, split, counts, crop, size, filter, features or sampler, or a run is
            given twice; a floor is held to the data alone.
    """
    seen: set[tuple[str, int]] = set()
    for run in runs:
        if (run.model, run.seed) in seen:
            raise UserError(f"{run} is given twice; give each run's metrics.json once.")
        seen.add((run.model, run.seed))
    for others, is_floor in ((runs[1:], False), (floors if runs else (), True)):
        for other in others:
            _check_same("experiment", runs[0], other, runs[0].run.experiment, other.run.experiment)
            for name in has_to_agree(floors=is_floor):
                _check_same(name, runs[0], other, getattr(runs[0].protocol, name), getattr(other.protocol, name))


def _check_same(what: str, first: Metrics, other: Metrics, value: Any, other_value: Any) -> None:
    if value != other_value:
        raise UserError(
            f"{first} and {other} were not measured alike and cannot stand in one table: "
            f"{what} is {value!r} in the first and {other_value!r} in the second.\n"
            "Measure both again with one configuration (delete the older metrics.json and run snakemake)."
        )
