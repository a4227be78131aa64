"""The experiment's tables, as CSV, LaTeX, HTML and plain text, made from what the runs left and the rubric alone.

CSV files hold full precision; LaTeX, HTML and text hold what is printed, and agree with the CSV to the last printed
digit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vaematrix.analysis.remedies import Remedy
from vaematrix.common.files import write_text
from vaematrix.common.records import FloorMetrics, RunMetrics
from vaematrix.reporting.frames import csv_text
from vaematrix.reporting.tables.csv_rows import (
    changes_rows,
    differences_rows,
    matrix_by_seed_rows,
    matrix_rows,
    metrics_rows,
    shares_rows,
    summary_rows,
)
from vaematrix.reporting.tables.findings import Findings, findings
from vaematrix.reporting.tables.fragments import fragments, remedies_tex
from vaematrix.reporting.tables.html_pages import differences_html, matrix_html, summary_html, weights_html
from vaematrix.reporting.tables.macros import numbers, numbers_tex
from vaematrix.reporting.tables.remedies import remedy_rows
from vaematrix.reporting.tables.results import Results, collect, floor_word
from vaematrix.reporting.tables.summary_text import summary_text

__all__ = ["Findings", "Results", "collect", "findings", "floor_word", "numbers", "write_tables"]


def write_tables(
    folder: str | Path,
    runs: Sequence[RunMetrics],
    rubric: Mapping[str, Any],
    order: Sequence[str],
    floors: Sequence[FloorMetrics] = (),
    missing: Mapping[tuple[str, int], str] | None = None,
    per_image: Mapping[tuple[str, int], pd.DataFrame] | None = None,
    remedies: Sequence[Remedy] = (),
) -> list[Path]:
    """Write every table of an experiment into `folder`.

    Matrices of models that are not in `order` any more are deleted.

    Args:
        runs, rubric, order, floors, missing: those of :func:`collect`.
        per_image: what `measurements.read_per_image` read, by model and seed. A run without is compared by its means.
        remedies: models with a remedy and the same ones without; where there are any, they get tables of their own.

    Returns:
        The files written. Their names depend on `order` and the rubric alone, never on which runs succeeded.

    Raises:
        UserError: the runs were not measured alike.
    """
    results = collect(runs, rubric, order, floors, missing)
    found = findings(results, per_image or {}, remedies)
    texts = _texts(results, found)
    if remedies:
        texts |= {
            "remedies.csv": csv_text(remedy_rows(results, found.remedies)),
            "remedies.tex": remedies_tex(results, found),
        }
    for stale in Path(folder).glob("matrix_*.tex"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        write_text(Path(folder) / name, text)
    return [Path(folder) / name for name in texts]


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
