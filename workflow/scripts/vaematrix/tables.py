"""The experiment's tables, as CSV, LaTeX, HTML and plain text, made from metrics.json files and the rubric alone.

CSV files hold full precision; LaTeX, HTML and text hold what is printed, and agree with the CSV to the last printed
digit.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from vaematrix import latex, matrix
from vaematrix.errors import UserError
from vaematrix.files import write_text
from vaematrix.matrix import Matrix, PublishedTable, Spread, Standing, rounded

TEMPLATES = Path(__file__).with_name("templates")
NEEDS = r"\usepackage[T1]{fontenc}, \usepackage{booktabs}"

NO_SEED = -1  # in `missing`: the whole model

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """Everything the tables and the report say, worked out once.

    Attributes:
        order: the models in the config's order, those without any result included.
        runs: metrics.json of every run given.
        groups: for each model the runs that fill its matrix, by seed.
        floors: metrics.json of the floors.
        missing: (model, seed, reason) of each run that has no matrix.
        keys: which metric fills which row of the matrix.
        further: the metrics measured besides.
    """

    experiment: str
    rubric: Mapping[str, Any]
    order: tuple[str, ...]
    runs: tuple[Run, ...]
    groups: Mapping[str, tuple[Run, ...]]
    floors: tuple[Run, ...]
    missing: tuple[tuple[str, int, str], ...]
    keys: Mapping[str, str]
    further: tuple[str, ...]
    matrices: Mapping[str, Matrix]
    standings: tuple[Standing, ...]
    published: tuple[PublishedTable, ...]

    def seeds(self, model: str) -> str:
        """The model's seeds in words, such as `seeds 0, 1, 2`."""
        seeds = [str(run["run"]["seed"]) for run in self.groups.get(model, ())]
        return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}" if seeds else "no runs"

    def source(self, models: Iterable[str]) -> str:
        """The runs that a fragment was made from, for its first line."""
        return f"{self.experiment}: " + "; ".join(f"{model} {self.seeds(model)}" for model in models)

    def label(self, key: str) -> str:
        """A metric's printed name: the rubric's, or the one in metrics.json."""
        rule = self.rubric["metrics"].get(key)
        return rule["label"] if rule else self._measured(key).get("label", key)

    def heading(self, key: str) -> str:
        """A metric's printed name with its scale or unit and the direction in which it gets better."""
        scale = re.sub(r"(?<!\w)-(?=\d)", "−", self._measured(key).get("scale", ""))
        arrow = {"lower": " ↓", "higher": " ↑"}.get(self._measured(key).get("better", ""), "")
        return self.label(key) + (f" ({scale})" if scale else "") + arrow

    def decimals(self, key: str) -> int:
        """How many decimals of a metric are printed: the rubric's word, else 4 below one and 2 above."""
        rule = self.rubric["metrics"].get(key) or self.rubric["metrics"].get(key.removeprefix("reconstruction_"))
        if rule:
            return rule["decimals"]
        values = [matrix.value_of(run, key) for run in (*self.runs, *self.floors)]
        return 2 if any(value is not None and abs(value) >= 1 for value in values) else 4

    def spread(self, model: str, key: str) -> Spread | None:
        """A metric's mean over the model's seeds, or None where a seed has no value."""
        values = [matrix.value_of(run, key) for run in self.groups.get(model, ())]
        return matrix.spread(values) if values and None not in values else None

    def _measured(self, key: str) -> Mapping[str, Any]:
        return next((run["metrics"][key] for run in (*self.runs, *self.floors) if key in run["metrics"]), {})


def collect(
    runs: Sequence[Run],
    rubric: Mapping[str, Any],
    order: Sequence[str],
    floors: Sequence[Run] = (),
    missing: Mapping[tuple[str, int], str] | None = None,
) -> Results:
    """Work out the matrices and what goes with them.

    Args:
        runs: metrics.json of every run.
        rubric: the rubric, as `matrix.check_rubric` accepts it.
        order: the models' names in the config's order.
        floors: metrics.json of the floors (mean face, PCA).
        missing: why (model, seed) has no metrics.json.

    Raises:
        UserError: the runs were not measured alike.
    """
    matrix.check_protocols(runs, floors)
    order = tuple(dict.fromkeys([*order, *(run["run"]["model"] for run in runs)]))
    runs = tuple(sorted(runs, key=lambda run: (order.index(run["run"]["model"]), run["run"]["seed"])))
    keys = matrix.matrix_keys(runs, rubric)
    absent = dict(missing or {})
    complete: dict[str, list[Run]] = {model: [] for model in order}
    for run in runs:
        model, seed = run["run"]["model"], run["run"]["seed"]
        if lacking := matrix.lacking(run, keys):
            absent[model, seed] = f"no value for {', '.join(lacking)}"
        else:
            complete[model].append(run)
    groups = {model: tuple(group) for model, group in complete.items() if group}
    for model in order:
        if model not in groups and not any(model == name for name, _ in absent):
            absent[model, NO_SEED] = "no results"
    gone = sorted((model, seed, reason) for (model, seed), reason in absent.items())
    known = dict.fromkeys([*order, *(model for model, *_ in gone)])
    sets = matrix.weightings(order, rubric)
    return Results(
        experiment=str(runs[0]["run"].get("experiment", "")) if runs else "no runs",
        rubric=rubric,
        order=order,
        runs=runs,
        groups=groups,
        floors=tuple(floors),
        missing=tuple((model, *rest) for model in known for (name, *rest) in gone if name == model),
        keys=keys,
        further=tuple(
            dict.fromkeys(key for run in (*runs, *floors) for key in run["metrics"] if key not in keys.values())
        ),
        matrices={model: matrix.evaluation_matrix(group, rubric, keys=keys) for model, group in groups.items()},
        standings=tuple(matrix.cross_weights(groups, rubric, sets)),
        published=tuple(matrix.recomputed_published(rubric)),
    )


def write_tables(
    folder: str | Path,
    runs: Sequence[Run],
    rubric: Mapping[str, Any],
    order: Sequence[str],
    floors: Sequence[Run] = (),
    missing: Mapping[tuple[str, int], str] | None = None,
) -> list[Path]:
    """Write every table of an experiment into `folder`. The arguments are those of :func:`collect`.

    Matrices of models that are not in `order` any more are deleted.

    Returns:
        The files written. Their names depend on `order` and the rubric alone, never on which runs succeeded.

    Raises:
        UserError: the runs were not measured alike.
    """
    results = collect(runs, rubric, order, floors, missing)
    texts = {
        "metrics.csv": _csv(metrics_rows(results)),
        "matrix.csv": _csv(matrix_rows(results)),
        "matrix_by_seed.csv": _csv(matrix_by_seed_rows(results)),
        "summary.csv": _csv(summary_rows(results)),
        **_fragments(results),
        "numbers.tex": numbers_tex(results),
        "summary.html": summary_html(results),
        "matrix.html": matrix_html(results),
        "summary.txt": summary_text(results),
    }
    for stale in Path(folder).glob("matrix_*.tex"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        write_text(Path(folder) / name, text)
    return [Path(folder) / name for name in texts]


def floor_word(floor: Run) -> str:
    """The name that a floor's macros are made from: `mean face` gives the same as `mean_face`."""
    return floor["run"]["model"].replace(" ", "_")


def display_floor(floor: Run) -> str:
    """A floor's name in print: `mean_face` becomes `floor: mean face`."""
    return f"floor: {floor['run']['model'].replace('_', ' ')}"


# --- printing ---------------------------------------------------------------------------------------------------------


def printed(spread: Spread | None, places: int) -> str | None:
    """`mean` or `mean ± sd`; None where there is nothing to print."""
    if spread is None:
        return None
    mean = rounded(spread.mean, places)
    return mean if spread.sd is None else f"{mean} ± {rounded(spread.sd, places)}"


def _percent(weight: Decimal) -> str:
    return f"{weight.normalize():f}%"


def matrix_frame(results: Results, model: str) -> pd.DataFrame:
    """A model's matrix with the paper's columns, as it is printed."""
    judged = results.matrices.get(model)
    rows = []
    for row in judged.rows if judged else ():
        whole = row.score.sd is None
        rows.append(
            [
                row.label,
                printed(row.numeric, results.decimals(row.key)),
                printed(row.score, 0 if whole else 2),
                _percent(row.weight),
                printed(row.weighted, 2),
                "",
            ]
        )
    if judged:
        rows[-1][-1] = printed(judged.total, 2)
    return pd.DataFrame(rows, columns=PAPER_COLUMNS, dtype=object)


PAPER_COLUMNS = ["Metrics", "Numeric", "Score", "Weight", "Weighted Score", "Total"]


def published_matrix_frame(table: PublishedTable) -> pd.DataFrame:
    """A published matrix as the paper prints it."""
    rows = [
        [
            row.label,
            rounded(row.value, 2),
            str(row.score),
            _percent(row.weight),
            rounded(row.weighted, 2),
            "" if row is not table.rows[-1] else rounded(table.printed, 2),
        ]
        for row in table.rows
    ]
    return pd.DataFrame(rows, columns=PAPER_COLUMNS, dtype=object)


def published_frame(results: Results) -> pd.DataFrame:
    """The published totals: as printed, as the sum of their rows, and under each published set of weights."""
    names = {table.key: table.name for table in results.published}
    rows = [
        {
            "Table": str(table.number),
            "Model": table.name,
            "Printed": rounded(table.printed, 2),
            "Sum": ("" if table.agrees else "≠ ") + rounded(table.recomputed, 2),
            **{f"under {names[key]}": rounded(total, 2) for key, total in table.under.items()},
        }
        for table in results.published
    ]
    return pd.DataFrame(rows, dtype=object)


def summary_frame(results: Results, keys: Sequence[str], totals: bool) -> pd.DataFrame:
    """One line a model and floor: the metrics `keys`, and with `totals` the total under the model's own weights."""
    rows = []
    for model in results.order:
        row = [model, *(printed(results.spread(model, key), results.decimals(key)) for key in keys)]
        if totals:
            judged = results.matrices.get(model)
            row.append(printed(judged.total, 2) if judged else None)
        rows.append(row)
    for floor in results.floors:
        values = [(matrix.value_of(floor, key), results.decimals(key)) for key in keys]
        row = [display_floor(floor), *(None if value is None else rounded(value, places) for value, places in values)]
        rows.append([*row, None] if totals else row)
    headings = [results.heading(key) for key in keys]
    # Two metrics of one name are told apart by their keys.
    headings = [f"{h}, {key}" if headings.count(h) > 1 else h for h, key in zip(headings, keys, strict=True)]
    columns = ["Model", *headings, *(["Total"] if totals else [])]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def further_frame(results: Results) -> pd.DataFrame:
    """The metrics that no matrix uses: one line a metric, or one line a model where there are more models."""
    frame = summary_frame(results, results.further, totals=False)
    if len(frame) >= frame.shape[1]:
        return frame
    return frame.set_index("Model").T.rename_axis(index="Metric", columns=None).reset_index()


def cross_frame(results: Results) -> pd.DataFrame:
    """Every model's total, and its rank in parentheses, under every set of weights in use."""
    sets = matrix.weightings(results.order, results.rubric)
    cells = {(s.model, s.weighting): f"{printed(s.total, 2)} ({s.rank})" for s in results.standings}
    rows = [[model, *(cells.get((model, weighting)) for weighting in sets)] for model in results.order]
    return pd.DataFrame(rows, columns=["Model", *(f"under {name}" for name in sets)], dtype=object)


def missing_frame(results: Results) -> pd.DataFrame:
    """The runs that have no matrix, and why."""
    rows = [[model, "–" if seed == NO_SEED else str(seed), reason] for model, seed, reason in results.missing]
    return pd.DataFrame(rows, columns=["Model", "Seed", "Reason"], dtype=object)


# --- CSV --------------------------------------------------------------------------------------------------------------


def metrics_rows(results: Results) -> pd.DataFrame:
    """One row for each model (or floor), seed and metric, as measured."""
    columns = [
        "experiment", "kind", "model", "family", "seed", "metric", "label", "scale", "better", "value", "low", "high",
        "count",
    ]  # fmt: skip
    rows = [
        [
            results.experiment,
            kind,
            run["run"]["model"],
            run["run"].get("family"),
            run["run"].get("seed"),
            key,
            results.label(key),
            *(measured.get(name) for name in columns[7:9]),
            *(_full(measured.get(name)) for name in columns[9:12]),
            measured.get("count"),
        ]
        for kind, group in (("model", results.runs), ("floor", results.floors))
        for run in group
        for key, measured in run["metrics"].items()
    ]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def matrix_rows(results: Results) -> pd.DataFrame:
    """One row for each model and metric of its matrix: means and sample standard deviations over its seeds."""
    rows = [
        {
            "model": judged.model,
            "weights": judged.weighting,
            "metric": row.key,
            "label": row.label,
            "n": row.numeric.n,
            **_mean_sd("numeric", row.numeric),
            **_mean_sd("score", row.score),
            "weight_percent": _full(row.weight),
            **_mean_sd("weighted", row.weighted),
            **_mean_sd("total", judged.total),
        }
        for judged in results.matrices.values()
        for row in judged.rows
    ]
    columns = [
        "model", "weights", "metric", "label", "n", "numeric_mean", "numeric_sd", "score_mean", "score_sd",
        "weight_percent", "weighted_mean", "weighted_sd", "total_mean", "total_sd",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def matrix_by_seed_rows(results: Results) -> pd.DataFrame:
    """One row for each model, seed and metric: the matrix of each run by itself."""
    rows = []
    for group in results.groups.values():
        for run in group:
            judged = matrix.evaluation_matrix([run], results.rubric, keys=results.keys)
            rows += [
                [
                    judged.model,
                    judged.seeds[0],
                    judged.weighting,
                    row.key,
                    row.label,
                    *map(_full, (row.numeric.mean, row.score.mean, row.weight, row.weighted.mean, judged.total.mean)),
                ]
                for row in judged.rows
            ]
    columns = [
        "model", "seed", "weights", "metric", "label", "numeric", "score", "weight_percent", "weighted", "total",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


def summary_rows(results: Results) -> pd.DataFrame:
    """One row for each model: every metric, the total under its own weights, totals and ranks under all weights.

    The floors follow, without a total: they are measured by some metrics only.
    """
    keys = [*results.keys.values(), *results.further]
    under = {(standing.model, standing.weighting): standing for standing in results.standings}
    sets = matrix.weightings(results.order, results.rubric)
    rows: list[dict[str, Any]] = []
    for model in results.order:
        judged = results.matrices.get(model)
        row = {"kind": "model", "model": model, "n": len(results.groups.get(model, ()))}
        row["seeds"] = " ".join(str(run["run"]["seed"]) for run in results.groups.get(model, ()))
        for key in keys:
            row |= _mean_sd(key, results.spread(model, key))
        row["weights"] = matrix.weighting_of(model, results.rubric)
        row |= _mean_sd("total", judged.total if judged else None)
        for weighting in sets:
            standing = under.get((model, weighting))
            row[f"total_with_weights_of_{weighting}"] = _full(standing.total.mean) if standing else None
            row[f"rank_with_weights_of_{weighting}"] = standing.rank if standing else None
        row["missing"] = "; ".join(
            reason if seed == NO_SEED else f"seed {seed}: {reason}"
            for name, seed, reason in results.missing
            if name == model
        )
        rows.append(row)
    for floor in results.floors:
        values = {f"{key}_mean": _full(matrix.value_of(floor, key)) for key in keys}
        rows.append({"kind": "floor", "model": floor["run"]["model"], **values})
    return pd.DataFrame(rows, columns=list(dict.fromkeys(itertools.chain.from_iterable(rows))), dtype=object)


def _full(value: Decimal | float | None) -> str | None:
    """All digits of a number, in the shortest form that a float is read back from."""
    return None if value is None else repr(float(value)).removesuffix(".0")


def _mean_sd(name: str, spread: Spread | None) -> dict[str, str | None]:
    mean, sd = (spread.mean, spread.sd) if spread else (None, None)
    return {f"{name}_mean": _full(mean), f"{name}_sd": _full(sd)}


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


# --- LaTeX ------------------------------------------------------------------------------------------------------------


def _fragments(results: Results) -> dict[str, str]:
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
        "published.tex": fragment(published_frame(results), paper, left=2),
        "missing.tex": latex.table(missing_frame(results), align=r"lrp{0.6\linewidth}", needs=NEEDS, source=everything),
    }


def numbers(results: Results) -> dict[str, str]:
    r"""Every number that prose may want, by the name of its macro, as LaTeX.

    A macro reads like its meaning: `\vmFidOfBetaVae`, `\vmFidSdOfBetaVae`, `\vmFidScoreOfBetaVae`,
    `\vmTotalOfBetaVae`. The words come from `latex.macro_word`, which gives no two names the same word (`Mse` stands
    for mse_pm1 and `MseUnit` for mse_01, to be readable). With one seed there is no `Sd` macro.

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
                name = f"vmFloor{_metric_word(key)}Of{latex.macro_word(floor_word(floor))}"
                define(name, rounded(value, results.decimals(key)))
    for weighting in matrix.weightings(results.order, results.rubric):
        first = [s for s in results.standings if s.weighting == weighting and s.rank == 1]
        if first:
            define(f"vmLeaderUnder{latex.macro_word(weighting)}", _listed([s.model for s in first]))
            define(f"vmLeadingTotalUnder{latex.macro_word(weighting)}", rounded(first[0].total.mean, 2))
    _define_published(results, define)
    return macros


def _define_model(results: Results, judged: Matrix, define: Callable[[str, object], None]) -> None:
    of = f"Of{latex.macro_word(judged.model)}"
    define(f"vmSeedCount{of}", judged.total.n)
    for key in (*results.keys.values(), *results.further):
        if spread := results.spread(judged.model, key):
            define(f"vm{_metric_word(key)}{of}", rounded(spread.mean, results.decimals(key)))
            if spread.sd is not None:
                define(f"vm{_metric_word(key)}Sd{of}", rounded(spread.sd, results.decimals(key)))
    for row in judged.rows:
        define(f"vm{_metric_word(row.key)}Score{of}", rounded(row.score.mean, 0 if row.score.sd is None else 2))
    define(f"vmTotal{of}", rounded(judged.total.mean, 2))
    if judged.total.sd is not None:
        define(f"vmTotalSd{of}", rounded(judged.total.sd, 2))


def _define_published(results: Results, define: Callable[[str, object], None]) -> None:
    for table in results.published:
        of = f"Of{latex.macro_word(table.key)}"
        define(f"vmPublishedName{of}", table.name)
        define(f"vmPublishedTable{of}", table.number)
        define(f"vmPublishedTotal{of}", rounded(table.printed, 2))
        define(f"vmPublishedSum{of}", rounded(table.recomputed, 2))
        for row in table.rows:
            define(f"vmPublished{_metric_word(row.key)}{of}", rounded(row.value, 2))
    for word, by in (("Printed", "printed"), ("Summed", "recomputed")):
        if first := leaders(results.published, by):
            define(f"vmPublished{word}Leader", _listed([table.name for table in first]))
            define(f"vmPublished{word}Best", rounded(getattr(first[0], by), 2))


def leaders(tables: Sequence[PublishedTable], by: Literal["printed", "recomputed"]) -> list[PublishedTable]:
    """The published tables with the highest total."""
    best = max((getattr(table, by) for table in tables), default=None)
    return [table for table in tables if getattr(table, by) == best]


def numbers_tex(results: Results) -> str:
    """`numbers.tex`: one \\newcommand for each of :func:`numbers`."""
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in numbers(results).items()]
    return latex.comment(r"\usepackage[T1]{fontenc}", results.source(results.order)) + "".join(lines)


def _metric_word(key: str) -> str:
    return {"mse_pm1": "Mse", "mse_01": "MseUnit"}.get(key) or latex.macro_word(key)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


# --- HTML and plain text ----------------------------------------------------------------------------------------------


def summary_html(results: Results) -> str:
    """The summary and the totals under all weights as one page."""
    sections = [
        ("Summary", summary_frame(results, list(results.keys.values()), totals=True), _spread_note(results)),
        ("Every model under every model's weights", cross_frame(results), _CROSS_NOTE),
    ]
    if results.further:
        sections.append(("Further measurements", further_frame(results), ""))
    if results.missing:
        sections.append(("Missing", missing_frame(results), "These runs have no matrix."))
    return _page(f"{results.experiment}: summary", sections)


def matrix_html(results: Results) -> str:
    """The matrices, ours and the published ones, as one page."""
    ours = [(f"{model}: {results.seeds(model)}", matrix_frame(results, model), "") for model in results.matrices]
    published = [
        (f"{table.name}, as published in table {table.number}", published_matrix_frame(table), _sum_note(table))
        for table in results.published
    ]
    totals = ("The published totals, recomputed", published_frame(results), results.rubric["published"]["citation"])
    return _page(f"{results.experiment}: evaluation matrices", [*ours, *published, totals])


def _page(title: str, sections: Sequence[tuple[str, pd.DataFrame, str]]) -> str:
    import jinja2

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    tables = [
        {"heading": heading, "html": frame.to_html(index=False, border=0, na_rep="–", justify="unset"), "note": note}
        for heading, frame, note in sections
    ]
    return environment.get_template("page.html.jinja").render(title=title, tables=tables)


def summary_text(results: Results) -> str:
    """The matrices and totals as aligned plain text, for a terminal."""
    parts = []
    for model in results.matrices:
        parts.append(_titled(f"{model} ({results.seeds(model)})", matrix_frame(results, model)))
    parts.append(_titled("Summary", summary_frame(results, list(results.keys.values()), totals=True)))
    parts.append(_titled("Total (rank) under each model's weights", cross_frame(results)))
    if results.missing:
        parts.append(_titled("Missing", missing_frame(results), left=3))
    parts += [note + "\n" for table in results.published if (note := _sum_note(table))]
    return "\n".join(parts)


def _titled(title: str, frame: pd.DataFrame, left: int = 1) -> str:
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


_CROSS_NOTE = (
    "Total, and rank in parentheses. Each column uses the weights of the model it names. "
    "Totals under different weights cannot be compared: read this table by columns."
)


def _spread_note(results: Results) -> str:
    if any(judged.total.n > 1 for judged in results.matrices.values()):
        return "Mean ± sample standard deviation over seeds. Each total is under the model's own weights."
    return "One seed each. Each total is under the model's own weights."


def _sum_note(table: PublishedTable) -> str:
    if table.agrees:
        return ""
    return (
        f"Table {table.number} of the paper ({table.name}) prints a total of {rounded(table.printed, 2)}, "
        f"but its rows add up to {rounded(table.recomputed, 2)}."
    )
