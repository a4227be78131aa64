"""The tables as LaTeX fragments, to be \\input."""

import pandas as pd

from vaematrix.reporting import latex
from vaematrix.reporting.names import matrix_file, published_file
from vaematrix.reporting.tables.claim_frames import changes_frame, differences_frame, shares_frame
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.matrix_frames import (
    cross_frame,
    further_frame,
    matrix_frame,
    missing_frame,
    published_frame,
    published_matrix_frame,
    summary_frame,
)
from vaematrix.reporting.tables.remedies import remedy_frame
from vaematrix.reporting.tables.results import Results

NEEDS = r"\usepackage[T1]{fontenc}, \usepackage{booktabs}"


def fragments(results: Results, findings: Findings) -> dict[str, str]:
    """The LaTeX fragments by file name."""
    everything, paper = results.source(results.order), results.rubric["published"]["citation"]

    def fragment(frame: pd.DataFrame, source: str, left: int = 1) -> str:
        align = "l" * left + "r" * (frame.shape[1] - left)
        return latex.table(frame, align=align, needs=NEEDS, source=source)

    return {
        **{
            matrix_file(model): fragment(matrix_frame(results, model), results.source([model]))
            for model in results.order
        },
        **{published_file(table.key): fragment(published_matrix_frame(table), paper) for table in results.published},
        "summary.tex": fragment(summary_frame(results, list(results.keys.values()), totals=True), everything),
        "further.tex": fragment(further_frame(results), everything),
        "cross_weights.tex": fragment(cross_frame(results), everything),
        "differences.tex": fragment(differences_frame(results, findings.differences), everything, left=3),
        "weights.tex": fragment(shares_frame(results, findings.landscapes), everything, left=2),
        "weight_changes.tex": fragment(changes_frame(findings.landscapes), everything, left=3),
        "published.tex": fragment(published_frame(results), paper, left=2),
        "missing.tex": latex.table(missing_frame(results), align=r"lrp{0.6\linewidth}", needs=NEEDS, source=everything),
    }


def remedies_tex(results: Results, findings: Findings) -> str:
    """The fragment of what remedies bring, for experiments that have any."""
    frame = remedy_frame(results, findings.remedies)
    align = "l" * 4 + "r" * (frame.shape[1] - 5) + "l"
    return latex.table(frame, align=align, needs=NEEDS, source=results.source(results.order))
