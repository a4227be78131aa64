"""The report's LaTeX source, filled with what the results and the records say."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaematrix.analysis.published import leaders
from vaematrix.common.files import write_text
from vaematrix.common.records import RunRecord
from vaematrix.reporting.names import macro_word, matrix_file, metric_word, published_file
from vaematrix.reporting.report import contents
from vaematrix.reporting.report.pictures import Figure, placed_figures, relative_path
from vaematrix.reporting.tables import Results, floor_word
from vaematrix.reporting.templating import fill_latex


def write_report(
    folder: str | Path,
    tables: str | Path,
    results: Results,
    *,
    records: Sequence[RunRecord] = (),
    settings: Mapping[str, Any] | None = None,
    figures: Sequence[Figure] = (),
    skipped: Sequence[Mapping[str, str]] = (),
    remedies: bool = False,
) -> Path:
    r"""Write `report.tex` into `folder`, and beside it `macros.tex` with what its prose says of cost and rank.

    Args:
        folder: where the report goes; the tables and figures are named relative to it.
        tables: the folder that `tables.write_tables` filled from the same results.
        results: what `tables.collect` worked out.
        records: run.json of the runs, for cost and provenance; a missing field is printed as a dash.
        settings: shared settings to print with the protocol, such as the config's `network` and `training`.
        figures: the pictures, in any order; they are grouped by kind.
        skipped: images that were skipped while the faces were prepared (`image_id`, `reason`).
        remedies: whether the tables hold what remedies bring.

    Returns:
        The path of report.tex.
    """
    folder = Path(folder)
    shutil.rmtree(folder / "figures", ignore_errors=True)  # of an earlier report, which may have shown others
    text = fill_latex(
        "report.tex.jinja",
        tables=relative_path(tables, folder),
        **_names(results),
        **_findings(results),
        **_costs(results, records),
        **placed_figures(figures, folder),
        protocol=contents.protocol_rows(results, settings or {}),
        skipped=skipped,
        remedies=remedies,
    )
    macros = contents.prose_numbers(results, records)
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in macros.items()]
    write_text(folder / "macros.tex", "".join(lines))
    write_text(folder / "report.tex", text)
    return folder / "report.tex"


def _names(results: Results) -> dict[str, Any]:
    """What the template calls macros and files by."""
    return {
        "macro": lambda name, of="": f"\\vm{name}{macro_word(of) if of else ''}{{}}",
        "matrix_file": matrix_file,
        "floor_word": floor_word,
        "published": {table.key: published_file(table.key) for table in results.published},
    }


def _findings(results: Results) -> dict[str, Any]:
    """What the template says of the matrices, and what has to be said beside their numbers."""
    return {
        "results": results,
        "other_distance": contents.other_distance(results),
        "few": contents.few_for_a_covariance(results),
        "judged_by": [results.label(key) for key in results.keys.values()],
        "best": [
            (metric_word(key), results.label(key), results.rubric["metrics"][key]["better"])
            for key, _ in contents.best_of(results)
        ],
        "breakpoints": contents.breakpoint_rows(results),
        "warnings": [(run.model, run.seed, warning) for run in results.runs for warning in run.warnings],
        "counted": any(key.endswith("_infinity") for run in results.runs for key in run.metrics),
        "claim_fails": leaders(results.published, "printed") != leaders(results.published, "recomputed"),
        "several_seeds": any(matrix.total.n > 1 for matrix in results.matrices.values()),
    }


def _costs(results: Results, records: Sequence[RunRecord]) -> dict[str, Any]:
    """What the template says of how the runs were made."""
    return {
        "costs": contents.cost_rows(records),
        "devices": contents.device_rows(records),
        "provenance": contents.provenance_rows(results, records),
        "versions": contents.versions_text(results, records),
    }
