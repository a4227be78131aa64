"""The tables in full precision, for CSV."""

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.matrix import Spread
from vaematrix.analysis.weight_space import Landscape
from vaematrix.reporting.formatting import full
from vaematrix.reporting.tables.claim_frames import models_tied_with, territory_by_model
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.results import NO_SEED, Results


def metrics_rows(results: Results) -> pd.DataFrame:
    """One row for each model (or floor), seed and metric, as measured."""
    columns = [
        "experiment", "kind", "model", "family", "seed", "metric", "label", "scale", "better", "value", "low", "high",
        "count",
    ]  # fmt: skip
    rows = [
        [
            results.experiment,
            kind,
            run.model,
            run.run.family,
            run.seed,
            key,
            results.label(key),
            entry.scale,
            entry.better,
            *map(full, (entry.value, entry.low, entry.high)),
            entry.count,
        ]
        for kind, group in (("model", results.runs), ("floor", results.floors))
        for run in group
        for key, entry in run.metrics.items()
    ]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def matrix_rows(results: Results) -> pd.DataFrame:
    """One row for each model and metric of its matrix: means and sample standard deviations over its seeds."""
    rows = [
        {
            "model": judged.model,
            "weights": judged.weighting,
            "metric": row.key,
            "label": row.label,
            "n": row.numeric.n,
            **mean_sd("numeric", row.numeric),
            **mean_sd("score", row.score),
            "weight_percent": full(row.weight),
            **mean_sd("weighted", row.weighted),
            **mean_sd("total", judged.total),
        }
        for judged in results.matrices.values()
        for row in judged.rows
    ]
    columns = [
        "model", "weights", "metric", "label", "n", "numeric_mean", "numeric_sd", "score_mean", "score_sd",
        "weight_percent", "weighted_mean", "weighted_sd", "total_mean", "total_sd",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def matrix_by_seed_rows(results: Results) -> pd.DataFrame:
    """One row for each model, seed and metric: the matrix of each run by itself."""
    rows = []
    for group in results.groups.values():
        for run in group:
            judged = matrix.evaluation_matrix([run], results.rubric, keys=results.keys)
            rows += [
                [
                    judged.model,
                    judged.seeds[0],
                    judged.weighting,
                    row.key,
                    row.label,
                    *map(full, (row.numeric.mean, row.score.mean, row.weight, row.weighted.mean, judged.total.mean)),
                ]
                for row in judged.rows
            ]
    columns = [
        "model", "seed", "weights", "metric", "label", "numeric", "score", "weight_percent", "weighted", "total",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def summary_rows(results: Results) -> pd.DataFrame:
    """One row for each model: every metric, the total under its own weights, totals and ranks under all weights.

    The floors follow, without a total: they are measured by some metrics only.
    """
    keys = [*results.keys.values(), *results.further]
    under = {(standing.model, standing.weighting): standing for standing in results.standings}
    rows: list[dict[str, Any]] = []
    for model in results.order:
        judged = results.matrices.get(model)
        row = {"kind": "model", "model": model, "n": len(results.groups.get(model, ()))}
        row["seeds"] = " ".join(str(run.seed) for run in results.groups.get(model, ()))
        for key in keys:
            row |= mean_sd(key, results.spread(model, key))
        row["weights"] = judged.weighting if judged else None
        row |= mean_sd("total", judged.total if judged else None)
        for weighting in results.sets:
            standing = under.get((model, weighting))
            row[f"total_with_weights_of_{weighting}"] = full(standing.total.mean) if standing else None
            row[f"rank_with_weights_of_{weighting}"] = standing.rank if standing else None
        row["missing"] = "; ".join(
            reason if seed == NO_SEED else f"seed {seed}: {reason}"
            for name, seed, reason in results.missing
            if name == model
        )
        rows.append(row)
    for floor in results.floors:
        values = {f"{key}_mean": full(matrix.value_of(floor, key)) for key in keys}
        rows.append({"kind": "floor", "model": floor.model, **values})
    return pd.DataFrame(rows, columns=list(dict.fromkeys(itertools.chain.from_iterable(rows))), dtype=object)


def differences_rows(results: Results, findings: Findings) -> pd.DataFrame:
    """One row for each metric and pair of models, and for each total and pair."""
    columns = [
        "metric", "label", "first", "second", "n", "difference", "low", "high", "confidence", "covers", "p", "p_holm",
        "claim",
    ]  # fmt: skip
    labelled = [(results.label(difference.metric), difference) for difference in findings.differences]
    for weighting, totals in findings.totals.items():
        labelled += [(f"Total under the weights of {weighting}", difference) for difference in totals]
    rows = [
        [found.metric, label, found.first, found.second, found.n, full(found.value if found.n else None),
         *map(full, (found.low, found.high, found.confidence)), found.covers, full(found.p), full(found.p_holm),
         found.verdict]
        for label, found in labelled
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def shares_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring and model: its scores, and under how much of all weightings its total is the highest."""
    keys = results.keys.values()
    rows = [
        [scoring, model, len(results.groups[model]), *map(full, landscape.scores[model]), full(100 * territory.share),
         full(100 * territory.error), "; ".join(models_tied_with(model, territory))]
        for scoring, landscape in landscapes.items()
        for model, territory in territory_by_model(landscape, results.groups)
    ]  # fmt: skip
    columns = ["scoring", "model", "n", *(f"{key}_score" for key in keys), "share_percent", "standard_error_points"]
    columns.append("tied_with")
    return pd.DataFrame(rows, columns=columns, dtype=object)


def changes_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring, set of weights and kind of change, with the weights at which two models are equal."""
    rows = []
    for scoring, landscape in landscapes.items():
        for reach in landscape.reaches:
            for kind, change in (("highest total", reach.leader), ("order", reach.order)):
                models = [change.overtaker, change.overtaken] if change else [None] * 2
                moved = full(100 * change.moved) if change else None
                equal_at = [full(100 * weight) for weight in change.weights] if change else [None] * len(reach.weights)
                rows.append([scoring, reach.name, "; ".join(reach.leaders), kind, *models, moved, *equal_at])
    columns = ["scoring", "weights", "highest_total", "change_of", "overtaker", "overtaken", "points"]
    columns += [f"{key}_percent_there" for key in results.keys.values()]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def mean_sd(name: str, spread: Spread | None) -> dict[str, str | None]:
    """The cells of a mean and its standard deviation."""
    mean, sd = (spread.mean, spread.sd) if spread else (None, None)
    return {f"{name}_mean": full(mean), f"{name}_sd": full(sd)}
