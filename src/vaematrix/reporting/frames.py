"""Frames of text as files: an aligned table for a terminal, CSV, a page of HTML. (As LaTeX: `latex.table`.)"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from vaematrix.reporting.templating import fill_html


def aligned_text(title: str, frame: pd.DataFrame, left: int = 1) -> str:
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


def html_page(title: str, sections: Sequence[tuple[str, pd.DataFrame, str]]) -> str:
    """An HTML page of tables, each with a heading and a note."""
    tables = [
        {
            "heading": heading,
            "html": frame.where(frame.notna(), "–").to_html(index=False, border=0, justify="unset"),
            "note": note,
        }
        for heading, frame, note in sections
    ]
    return fill_html("page.html.jinja", title=title, tables=tables)
