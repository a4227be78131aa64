"""A LaTeX macro for every number."""

from collections.abc import Callable, Sequence

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.differences import standing
from vaematrix.analysis.matrix import Matrix
from vaematrix.analysis.published import Total, leaders
from vaematrix.common.errors import UserError
from vaematrix.reporting import latex
from vaematrix.reporting.formatting import percent
from vaematrix.reporting.names import macro_word, metric_word
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.results import Results, floor_word

Define = Callable[[str, object], None]  # a macro's name, and the value that it is to stand for


def numbers(results: Results, findings: Findings) -> dict[str, str]:
    r"""Every number that prose may want, by the name of its macro, as LaTeX.

    A macro reads like its meaning: `\vmFidOfBetaVae`, `\vmFidSdOfBetaVae`, `\vmFidScoreOfBetaVae`,
    `\vmTotalOfBetaVae`. The words come from `names.macro_word`, which gives no two names the same word (`Mse` stands
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
        if results.runs and (value := getattr(results.runs[0].protocol, key)) is not None:
            define(f"vm{name}", value)
    for judged in results.matrices.values():
        _define_model(results, judged, define)
    for model in results.order:
        define(f"vmNameOf{macro_word(model)}", model)
    _define_floors(results, define)
    _define_standings(results, findings, define)
    _define_shares(findings, define)
    _define_published(results, define)
    return macros


def _define_model(results: Results, judged: Matrix, define: Define) -> None:
    of_model = f"Of{macro_word(judged.model)}"
    define(f"vmSeedCount{of_model}", judged.total.n)
    for key in (*results.keys.values(), *results.further):
        if spread := results.spread(judged.model, key):
            define(f"vm{metric_word(key)}{of_model}", rounded(spread.mean, results.decimals(key)))
            if spread.sd is not None:
                define(f"vm{metric_word(key)}Sd{of_model}", rounded(spread.sd, results.decimals(key)))
    for row in judged.rows:
        define(f"vm{metric_word(row.key)}Score{of_model}", rounded(row.score.mean, 0 if row.score.sd is None else 2))
    define(f"vmTotal{of_model}", rounded(judged.total.mean, 2))
    if judged.total.sd is not None:
        define(f"vmTotalSd{of_model}", rounded(judged.total.sd, 2))


def _define_floors(results: Results, define: Define) -> None:
    for floor in results.floors:
        for key in floor.metrics:
            if (value := matrix.value_of(floor, key)) is not None:
                name = f"vmFloor{metric_word(key)}Of{macro_word(floor_word(floor))}"
                define(name, rounded(value, results.decimals(key)))


def _define_standings(results: Results, findings: Findings, define: Define) -> None:
    """The highest mean total under each set of weights, and what may be claimed of totals and metrics, in words."""
    for weighting in results.sets:
        highest = [ranked for ranked in results.standings if ranked.weighting == weighting and ranked.rank == 1]
        if highest:
            define(f"vmHighestTotalUnder{macro_word(weighting)}", rounded(highest[0].total.mean, 2))
            define(f"vmStandingUnder{macro_word(weighting)}", standing(findings.totals[weighting]))
    for key in results.keys.values():
        in_metric = [difference for difference in findings.differences if difference.metric == key]
        define(f"vmStandingBy{metric_word(key)}", standing(in_metric))


def _define_shares(findings: Findings, define: Define) -> None:
    """Under how much of all weightings each model has the highest total, in percent."""
    for scoring, landscape in findings.landscapes.items():
        word = {"ten steps": "Share", "continuous": "ContinuousShare"}[scoring]
        for territory in landscape.territories:
            for model in territory.models:
                define(f"vm{word}Of{macro_word(model)}", percent(territory.share))


def _define_published(results: Results, define: Define) -> None:
    for table in results.published:
        of_table = f"Of{macro_word(table.key)}"
        define(f"vmPublishedName{of_table}", table.name)
        define(f"vmPublishedTable{of_table}", table.number)
        define(f"vmPublishedTotal{of_table}", rounded(table.printed, 2))
        define(f"vmPublishedSum{of_table}", rounded(table.recomputed, 2))
        for row in table.rows:
            define(f"vmPublished{metric_word(row.key)}{of_table}", rounded(row.value, 2))
    words: dict[Total, str] = {"printed": "Printed", "recomputed": "Summed"}
    for by, word in words.items():
        if first := leaders(results.published, by):
            define(f"vmPublished{word}Leader", _listed([table.name for table in first]))
            define(f"vmPublished{word}Best", rounded(getattr(first[0], by), 2))


def numbers_tex(results: Results, findings: Findings) -> str:
    """`numbers.tex`: one \\newcommand for each of :func:`numbers`."""
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in numbers(results, findings).items()]
    return latex.comment(r"\usepackage[T1]{fontenc}", results.source(results.order)) + "".join(lines)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
