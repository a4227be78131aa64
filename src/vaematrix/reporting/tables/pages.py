"""The tables as HTML pages and as plain text."""

from collections.abc import Sequence

import pandas as pd

from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.published import PublishedTable
from vaematrix.reporting import pages
from vaematrix.reporting.tables.printing import (
    cross_frame,
    further_frame,
    matrix_frame,
    missing_frame,
    published_frame,
    published_matrix_frame,
    summary_frame,
)
from vaematrix.reporting.tables.results import Results
from vaematrix.reporting.tables.statistics import (
    CHANGES_NOTE,
    Findings,
    changes_frame,
    differences_frame,
    differences_note,
    shares_frame,
    shares_note,
    standings_text,
)

_CROSS_NOTE = (
    "Total, and rank in parentheses. Each column uses the weights of the model it names. "
    "Totals under different weights cannot be compared: read this table by columns."
)


def summary_html(results: Results, findings: Findings) -> str:
    """The summary and the totals under all weights as one page."""
    sections = [
        ("Summary", summary_frame(results, list(results.keys.values()), totals=True), spread_note(results)),
        (_cross_title(results), cross_frame(results), f"{_CROSS_NOTE} {standings_text(results, findings)}"),
    ]
    if results.further:
        sections.append(("Further measurements", further_frame(results), ""))
    if results.missing:
        sections.append(("Missing", missing_frame(results), "These runs have no matrix."))
    return page(f"{results.experiment}: summary", sections)


def matrix_html(results: Results) -> str:
    """The matrices, ours and the published ones, as one page."""
    ours = [
        (f"{model}: {results.seeds(model)}", matrix_frame(results, model), results.labels_note(model))
        for model in results.matrices
    ]
    published = [
        (f"{table.name}, as published in table {table.number}", published_matrix_frame(table), _sum_note(table))
        for table in results.published
    ]
    totals = ("The published totals, recomputed", published_frame(results), results.rubric["published"]["citation"])
    return page(f"{results.experiment}: evaluation matrices", [*ours, *published, totals])


def differences_html(results: Results, findings: Findings) -> str:
    """The differences between models as one page."""
    frame, note = differences_frame(results, findings.differences), differences_note(results)
    return page(f"{results.experiment}: differences between models", [("Differences between models", frame, note)])


def weights_html(results: Results, findings: Findings) -> str:
    """What the weights decide, as one page."""
    sections = [
        (_shares_title(results), shares_frame(results, findings.landscapes), shares_note(results, findings.landscapes)),
        ("How far the weights must move", changes_frame(findings.landscapes), CHANGES_NOTE),
    ]
    return page(f"{results.experiment}: do the weights decide the highest total?", sections)


def _cross_title(results: Results) -> str:
    return f"Total (rank) under each model's weights, of {results.subject}"


def _shares_title(results: Results) -> str:
    return f"Highest total under all weightings, of {results.subject}"


def page(title: str, sections: Sequence[tuple[str, pd.DataFrame, str]]) -> str:
    """An HTML page of tables, each with a heading and a note."""
    tables = [
        {
            "heading": heading,
            "html": frame.where(frame.notna(), "–").to_html(index=False, border=0, justify="unset"),
            "note": note,
        }
        for heading, frame, note in sections
    ]
    return pages.page("page.html.jinja", title=title, tables=tables)


def summary_text(results: Results, findings: Findings) -> str:
    """The matrices, the totals and what may be claimed of them, as aligned plain text, for a terminal."""
    parts = []
    for model in results.matrices:
        parts.append(titled(f"{model} ({results.seeds(model)})", matrix_frame(results, model)))
        if note := results.labels_note(model):
            parts[-1] += note + "\n"
    parts.append(titled("Summary", summary_frame(results, list(results.keys.values()), totals=True)))
    parts.append(titled(_cross_title(results), cross_frame(results)))
    parts += [sentence + "\n" for sentence in [standings_text(results, findings)] if sentence]
    if findings.differences:
        parts.append(titled("Differences between models", differences_frame(results, findings.differences), left=3))
    if results.groups:
        parts.append(titled(_shares_title(results), shares_frame(results, findings.landscapes), left=2))
        parts.append(titled("How far the weights must move", changes_frame(findings.landscapes), left=3))
    if results.missing:
        parts.append(titled("Missing", missing_frame(results), left=3))
    parts += [note + "\n" for table in results.published if (note := _sum_note(table))]
    return "\n".join(parts)


def titled(title: str, frame: pd.DataFrame, left: int = 1) -> str:
    """A table with a title; the first `left` columns are words, the others numbers."""
    cells = [list(frame.columns), *(["–" if cell is None or cell != cell else str(cell) for cell in row]
                                    for row in frame.itertuples(index=False))]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([title, lines[0], "─" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:], ""])


def spread_note(results: Results) -> str:
    if any(judged.total.n > 1 for judged in results.matrices.values()):
        return "Mean ± sample standard deviation over n seeds. Each total is under the model's own weights."
    return "One seed each. Each total is under the model's own weights."


def _sum_note(table: PublishedTable) -> str:
    if table.agrees:
        return ""
    return (
        f"Table {table.number} of the paper ({table.name}) prints a total of {rounded(table.printed, 2)}, "
        f"but its rows add up to {rounded(table.recomputed, 2)}."
    )
