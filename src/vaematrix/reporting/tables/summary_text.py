"""The matrices, the totals and what may be claimed of them, as plain text for a terminal."""

from vaematrix.reporting.frames import aligned_text
from vaematrix.reporting.tables.claim_frames import (
    changes_frame,
    differences_frame,
    shares_frame,
    shares_title,
    standings_text,
)
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.matrix_frames import (
    cross_frame,
    cross_title,
    matrix_frame,
    missing_frame,
    sum_note,
    summary_frame,
)
from vaematrix.reporting.tables.results import Results


def summary_text(results: Results, findings: Findings) -> str:
    """The matrices, the totals and what may be claimed of them, as aligned plain text, for a terminal."""
    parts = []
    for model in results.matrices:
        parts.append(aligned_text(f"{model} ({results.seeds(model)})", matrix_frame(results, model)))
        if note := results.labels_note(model):
            parts[-1] += note + "\n"
    parts.append(aligned_text("Summary", summary_frame(results, list(results.keys.values()), totals=True)))
    parts.append(aligned_text(cross_title(results), cross_frame(results)))
    parts += [sentence + "\n" for sentence in [standings_text(results, findings)] if sentence]
    if findings.differences:
        differences = differences_frame(results, findings.differences)
        parts.append(aligned_text("Differences between models", differences, left=3))
    if results.groups:
        parts.append(aligned_text(shares_title(results), shares_frame(results, findings.landscapes), left=2))
        parts.append(aligned_text("How far the weights must move", changes_frame(findings.landscapes), left=3))
    if results.missing:
        parts.append(aligned_text("Missing", missing_frame(results), left=3))
    parts += [note + "\n" for table in results.published if (note := sum_note(table))]
    return "\n".join(parts)
