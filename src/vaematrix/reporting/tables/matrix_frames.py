"""Matrices, summaries and published tables as they are printed: frames of text, the same for LaTeX, HTML and the
terminal, with their headings and notes."""

from collections.abc import Sequence

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.published import PublishedTable
from vaematrix.reporting.formatting import printed, weight_percent
from vaematrix.reporting.tables.results import NO_SEED, Results, display_floor

CROSS_NOTE = (
    "Total, and rank in parentheses. Each column uses the weights of the model it names. "
    "Totals under different weights cannot be compared: read this table by columns."
)
PAPER_COLUMNS = ["Metrics", "Numeric", "Score", "Weight", "Weighted Score", "Total"]


def matrix_frame(results: Results, model: str) -> pd.DataFrame:
    """A model's matrix with the paper's columns, as it is printed."""
    judged = results.matrices.get(model)
    rows = []
    for row in judged.rows if judged else ():
        whole = row.score.sd is None
        rows.append(
            [
                row.label,
                printed(row.numeric, results.decimals(row.key)),
                printed(row.score, 0 if whole else 2),
                weight_percent(row.weight),
                printed(row.weighted, 2),
                "",
            ]
        )
    if judged:
        rows[-1][-1] = printed(judged.total, 2)
    return pd.DataFrame(rows, columns=PAPER_COLUMNS, dtype=object)


def published_matrix_frame(table: PublishedTable) -> pd.DataFrame:
    """A published matrix as the paper prints it."""
    rows = [
        [
            row.label,
            rounded(row.value, 2),
            str(row.score),
            weight_percent(row.weight),
            rounded(row.weighted, 2),
            "" if row is not table.rows[-1] else rounded(table.printed, 2),
        ]
        for row in table.rows
    ]
    return pd.DataFrame(rows, columns=PAPER_COLUMNS, dtype=object)


def published_frame(results: Results) -> pd.DataFrame:
    """The published totals: as printed, as the sum of their rows, and under each published set of weights."""
    names = {table.key: table.name for table in results.published}
    rows = [
        {
            "Table": str(table.number),
            "Model": table.name,
            "Printed": rounded(table.printed, 2),
            "Sum": ("" if table.agrees else "≠ ") + rounded(table.recomputed, 2),
            **{f"under {names[key]}": rounded(total, 2) for key, total in table.under.items()},
        }
        for table in results.published
    ]
    return pd.DataFrame(rows, dtype=object)


def summary_frame(results: Results, keys: Sequence[str], totals: bool) -> pd.DataFrame:
    """One line a model and floor: the number of seeds n, the metrics `keys`, and with `totals` the total under the
    model's own weights."""
    rows = []
    for model in results.order:
        row = [
            model,
            _count(results, model),
            *(printed(results.spread(model, key), results.decimals(key)) for key in keys),
        ]
        if totals:
            judged = results.matrices.get(model)
            row.append(printed(judged.total, 2) if judged else None)
        rows.append(row)
    for floor in results.floors:
        values = [(matrix.value_of(floor, key), results.decimals(key)) for key in keys]
        row = [
            display_floor(floor),
            None,
            *(None if value is None else rounded(value, places) for value, places in values),
        ]
        rows.append([*row, None] if totals else row)
    headings = [results.heading(key) for key in keys]
    # Two metrics of one name are told apart by their keys.
    headings = [f"{h}, {key}" if headings.count(h) > 1 else h for h, key in zip(headings, keys, strict=True)]
    columns = ["Model", "n", *headings, *(["Total"] if totals else [])]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _count(results: Results, model: str) -> str:
    """Over how many seeds a model's means go."""
    return str(len(results.groups.get(model, ())))


def further_frame(results: Results) -> pd.DataFrame:
    """The metrics that no matrix uses: one line a metric, or one line a model where there are more models."""
    frame = summary_frame(results, results.further, totals=False)
    if len(frame) >= frame.shape[1]:
        return frame
    return frame.set_index("Model").T.rename_axis(index="Metric", columns=None).reset_index()


def cross_frame(results: Results) -> pd.DataFrame:
    """Every model's total, and its rank in parentheses, under every set of weights in use."""
    cells = {(s.model, s.weighting): f"{printed(s.total, 2)} ({s.rank})" for s in results.standings}
    rows = [
        [model, _count(results, model), *(cells.get((model, weighting)) for weighting in results.sets)]
        for model in results.order
    ]
    return pd.DataFrame(rows, columns=["Model", "n", *(f"under {name}" for name in results.sets)], dtype=object)


def missing_frame(results: Results) -> pd.DataFrame:
    """The runs that have no matrix, and why."""
    rows = [[model, "–" if seed == NO_SEED else str(seed), reason] for model, seed, reason in results.missing]
    return pd.DataFrame(rows, columns=["Model", "Seed", "Reason"], dtype=object)


def cross_title(results: Results) -> str:
    """The heading of :func:`cross_frame`."""
    return f"Total (rank) under each model's weights, of {results.subject}"


def spread_note(results: Results) -> str:
    """What stands beside the means of :func:`summary_frame`."""
    if any(judged.total.n > 1 for judged in results.matrices.values()):
        return "Mean ± sample standard deviation over n seeds. Each total is under the model's own weights."
    return "One seed each. Each total is under the model's own weights."


def sum_note(table: PublishedTable) -> str:
    """Says where a published total is not the sum of its rows; empty where it is."""
    if table.agrees:
        return ""
    return (
        f"Table {table.number} of the paper ({table.name}) prints a total of {rounded(table.printed, 2)}, "
        f"but its rows add up to {rounded(table.recomputed, 2)}."
    )
