"""The tables as LaTeX fragments, and a macro for every number."""

from collections.abc import Callable, Sequence
from typing import Literal

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.differences import standing
from vaematrix.analysis.matrix import Matrix
from vaematrix.analysis.published import PublishedTable
from vaematrix.common.errors import UserError
from vaematrix.reporting import latex
from vaematrix.reporting.tables.printing import (
    cross_frame,
    further_frame,
    matrix_frame,
    missing_frame,
    published_frame,
    published_matrix_frame,
    summary_frame,
)
from vaematrix.reporting.tables.results import Results, floor_word
from vaematrix.reporting.tables.statistics import Findings, changes_frame, differences_frame, percent, shares_frame

NEEDS = r"\usepackage[T1]{fontenc}, \usepackage{booktabs}"


def fragments(results: Results, findings: Findings) -> dict[str, str]:
    """The LaTeX fragments by file name."""
    everything, paper = results.source(results.order), results.rubric["published"]["citation"]

    def fragment(frame: pd.DataFrame, source: str, left: int = 1) -> str:
        align = "l" * left + "r" * (frame.shape[1] - left)
        return latex.table(frame, align=align, needs=NEEDS, source=source)

    return {
        **{
            latex.matrix_file(model): fragment(matrix_frame(results, model), results.source([model]))
            for model in results.order
        },
        **{
            latex.published_file(table.key): fragment(published_matrix_frame(table), paper)
            for table in results.published
        },
        "summary.tex": fragment(summary_frame(results, list(results.keys.values()), totals=True), everything),
        "further.tex": fragment(further_frame(results), everything),
        "cross_weights.tex": fragment(cross_frame(results), everything),
        "differences.tex": fragment(differences_frame(results, findings.differences), everything, left=3),
        "weights.tex": fragment(shares_frame(results, findings.landscapes), everything, left=2),
        "weight_changes.tex": fragment(changes_frame(findings.landscapes), everything, left=3),
        "published.tex": fragment(published_frame(results), paper, left=2),
        "missing.tex": latex.table(missing_frame(results), align=r"lrp{0.6\linewidth}", needs=NEEDS, source=everything),
    }


def numbers(results: Results, findings: Findings) -> dict[str, str]:
    r"""Every number that prose may want, by the name of its macro, as LaTeX.

    A macro reads like its meaning: `\vmFidOfBetaVae`, `\vmFidSdOfBetaVae`, `\vmFidScoreOfBetaVae`,
    `\vmTotalOfBetaVae`. The words come from `latex.macro_word`, which gives no two names the same word (`Mse` stands
    for mse_pm1 and `MseUnit` for mse_01, to be readable). With one seed there is no `Sd` macro. `\vmStandingBySsim` and
    `\vmStandingUnderBetaVae` say in words whether a model may be called the best by a metric, or by its total.

    Raises:
        UserError: two quantities would share a macro.
    """
    macros: dict[str, str] = {}

    def define(name: str, value: object) -> None:
        if name in macros:
            raise UserError(f"\\{name} would stand for two different numbers; rename a model or a metric.")
        macros[name] = latex.escape(value)

    define("vmExperiment", results.experiment)
    define("vmModelCount", len(results.order))
    define("vmRunCount", len(results.runs))
    for name, key in (("Images", "images"), ("SampleCount", "sample_count"), ("Size", "size"), ("Crop", "crop")):
        if results.runs and (value := results.runs[0].get("protocol", {}).get(key)) is not None:
            define(f"vm{name}", value)
    for judged in results.matrices.values():
        _define_model(results, judged, define)
    for model in results.order:
        define(f"vmNameOf{latex.macro_word(model)}", model)
    for floor in results.floors:
        for key in floor["metrics"]:
            if (value := matrix.value_of(floor, key)) is not None:
                name = f"vmFloor{latex.metric_word(key)}Of{latex.macro_word(floor_word(floor))}"
                define(name, rounded(value, results.decimals(key)))
    for weighting in results.sets:
        first = [s for s in results.standings if s.weighting == weighting and s.rank == 1]
        if first:
            define(f"vmHighestTotalUnder{latex.macro_word(weighting)}", rounded(first[0].total.mean, 2))
            define(f"vmStandingUnder{latex.macro_word(weighting)}", standing(findings.totals[weighting]))
    for key in results.keys.values():
        define(f"vmStandingBy{latex.metric_word(key)}", standing([d for d in findings.differences if d.metric == key]))
    _define_shares(findings, define)
    _define_published(results, define)
    return macros


def _define_model(results: Results, judged: Matrix, define: Callable[[str, object], None]) -> None:
    of = f"Of{latex.macro_word(judged.model)}"
    define(f"vmSeedCount{of}", judged.total.n)
    for key in (*results.keys.values(), *results.further):
        if spread := results.spread(judged.model, key):
            define(f"vm{latex.metric_word(key)}{of}", rounded(spread.mean, results.decimals(key)))
            if spread.sd is not None:
                define(f"vm{latex.metric_word(key)}Sd{of}", rounded(spread.sd, results.decimals(key)))
    for row in judged.rows:
        define(f"vm{latex.metric_word(row.key)}Score{of}", rounded(row.score.mean, 0 if row.score.sd is None else 2))
    define(f"vmTotal{of}", rounded(judged.total.mean, 2))
    if judged.total.sd is not None:
        define(f"vmTotalSd{of}", rounded(judged.total.sd, 2))


def _define_shares(findings: Findings, define: Callable[[str, object], None]) -> None:
    """Under how much of all weightings each model has the highest total, in percent."""
    for scoring, landscape in findings.landscapes.items():
        word = {"ten steps": "Share", "continuous": "ContinuousShare"}[scoring]
        for territory in landscape.territories:
            for model in territory.models:
                define(f"vm{word}Of{latex.macro_word(model)}", percent(territory.share))


def _define_published(results: Results, define: Callable[[str, object], None]) -> None:
    for table in results.published:
        of = f"Of{latex.macro_word(table.key)}"
        define(f"vmPublishedName{of}", table.name)
        define(f"vmPublishedTable{of}", table.number)
        define(f"vmPublishedTotal{of}", rounded(table.printed, 2))
        define(f"vmPublishedSum{of}", rounded(table.recomputed, 2))
        for row in table.rows:
            define(f"vmPublished{latex.metric_word(row.key)}{of}", rounded(row.value, 2))
    for word, by in (("Printed", "printed"), ("Summed", "recomputed")):
        if first := leaders(results.published, by):
            define(f"vmPublished{word}Leader", _listed([table.name for table in first]))
            define(f"vmPublished{word}Best", rounded(getattr(first[0], by), 2))


def leaders(tables: Sequence[PublishedTable], by: Literal["printed", "recomputed"]) -> list[PublishedTable]:
    """The published tables with the highest total."""
    best = max((getattr(table, by) for table in tables), default=None)
    return [table for table in tables if getattr(table, by) == best]


def numbers_tex(results: Results, findings: Findings) -> str:
    """`numbers.tex`: one \\newcommand for each of :func:`numbers`."""
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in numbers(results, findings).items()]
    return latex.comment(r"\usepackage[T1]{fontenc}", results.source(results.order)) + "".join(lines)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
