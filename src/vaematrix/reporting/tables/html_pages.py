"""The tables as pages of HTML."""

from vaematrix.reporting.frames import html_page
from vaematrix.reporting.tables.claim_frames import (
    CHANGES_NOTE,
    changes_frame,
    differences_frame,
    differences_note,
    shares_frame,
    shares_note,
    shares_title,
    standings_text,
)
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.matrix_frames import (
    CROSS_NOTE,
    cross_frame,
    cross_title,
    further_frame,
    matrix_frame,
    missing_frame,
    published_frame,
    published_matrix_frame,
    spread_note,
    sum_note,
    summary_frame,
)
from vaematrix.reporting.tables.remedies import NOTE, remedy_frame
from vaematrix.reporting.tables.results import Results


def summary_html(results: Results, findings: Findings) -> str:
    """The summary and the totals under all weights as one page."""
    sections = [
        ("Summary", summary_frame(results, list(results.keys.values()), totals=True), spread_note(results)),
        (cross_title(results), cross_frame(results), f"{CROSS_NOTE} {standings_text(results, findings)}"),
    ]
    if results.further:
        sections.append(("Further measurements", further_frame(results), ""))
    if results.missing:
        sections.append(("Missing", missing_frame(results), "These runs have no matrix."))
    return html_page(f"{results.experiment}: summary", sections)


def matrix_html(results: Results) -> str:
    """The matrices, ours and the published ones, as one page."""
    ours = [
        (f"{model}: {results.seeds(model)}", matrix_frame(results, model), results.labels_note(model))
        for model in results.matrices
    ]
    published = [
        (f"{table.name}, as published in table {table.number}", published_matrix_frame(table), sum_note(table))
        for table in results.published
    ]
    totals = ("The published totals, recomputed", published_frame(results), results.rubric["published"]["citation"])
    return html_page(f"{results.experiment}: evaluation matrices", [*ours, *published, totals])


def differences_html(results: Results, findings: Findings) -> str:
    """The differences between models as one page."""
    frame, note = differences_frame(results, findings.differences), differences_note(results)
    sections = [("Differences between models", frame, note)]
    if findings.remedies:
        sections.append(("What the suggestions bring", remedy_frame(results, findings.remedies), NOTE))
    return html_page(f"{results.experiment}: differences between models", sections)


def weights_html(results: Results, findings: Findings) -> str:
    """What the weights decide, as one page."""
    sections = [
        (shares_title(results), shares_frame(results, findings.landscapes), shares_note(results, findings.landscapes)),
        ("How far the weights must move", changes_frame(findings.landscapes), CHANGES_NOTE),
    ]
    return html_page(f"{results.experiment}: do the weights decide the highest total?", sections)
