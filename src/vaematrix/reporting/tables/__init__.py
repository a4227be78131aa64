"""The experiment's tables, as CSV, LaTeX, HTML and plain text, made from what the runs left and the rubric alone.

CSV files hold full precision; LaTeX, HTML and text hold what is printed, and agree with the CSV to the last printed
digit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vaematrix.common.files import write_text
from vaematrix.reporting.tables.full import matrix_by_seed_rows, matrix_rows, metrics_rows, summary_rows
from vaematrix.reporting.tables.pages import differences_html, matrix_html, summary_html, summary_text, weights_html
from vaematrix.reporting.tables.results import Results, Run, collect, floor_word
from vaematrix.reporting.tables.statistics import Findings, changes_rows, differences_rows, findings, shares_rows
from vaematrix.reporting.tables.tex import fragments, leaders, numbers, numbers_tex

__all__ = ["Results", "collect", "csv_text", "floor_word", "leaders", "numbers", "write_tables"]


def write_tables(
    folder: str | Path,
    runs: Sequence[Run],
    rubric: Mapping[str, Any],
    order: Sequence[str],
    floors: Sequence[Run] = (),
    missing: Mapping[tuple[str, int], str] | None = None,
    per_image: Mapping[tuple[str, int], pd.DataFrame] | None = None,
) -> list[Path]:
    """Write every table of an experiment into `folder`.

    Matrices of models that are not in `order` any more are deleted.

    Args:
        runs, rubric, order, floors, missing: those of :func:`collect`.
        per_image: what `differences.read_per_image` read, by model and seed. A run without is compared by its means.

    Returns:
        The files written. Their names depend on `order` and the rubric alone, never on which runs succeeded.

    Raises:
        UserError: the runs were not measured alike.
    """
    results = collect(runs, rubric, order, floors, missing)
    texts = _texts(results, findings(results, per_image or {}))
    for stale in Path(folder).glob("matrix_*.tex"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        write_text(Path(folder) / name, text)
    return [Path(folder) / name for name in texts]


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    cells = [list(map(_no_formula, row)) for row in frame.itertuples(index=False)]
    return pd.DataFrame(cells, columns=frame.columns, dtype=object).to_csv(index=False, lineterminator="\n")


def _no_formula(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _texts(results: Results, found: Findings) -> dict[str, str]:
    """The content of every table by its file name."""
    return {
        "metrics.csv": csv_text(metrics_rows(results)),
        "matrix.csv": csv_text(matrix_rows(results)),
        "matrix_by_seed.csv": csv_text(matrix_by_seed_rows(results)),
        "summary.csv": csv_text(summary_rows(results)),
        "differences.csv": csv_text(differences_rows(results, found)),
        "weights.csv": csv_text(shares_rows(results, found.landscapes)),
        "weight_changes.csv": csv_text(changes_rows(results, found.landscapes)),
        **fragments(results, found),
        "numbers.tex": numbers_tex(results, found),
        "summary.html": summary_html(results, found),
        "matrix.html": matrix_html(results),
        "differences.html": differences_html(results, found),
        "weights.html": weights_html(results, found),
        "summary.txt": summary_text(results, found),
    }
