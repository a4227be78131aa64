"""Every model under the prior and under every sampler that was fitted after training."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.samplers import by_sampler, likeliest
from vaematrix.common.files import write_text
from vaematrix.common.records import RunMetrics
from vaematrix.metrics.catalogue import CODES_LOG_LIKELIHOOD
from vaematrix.reporting import latex
from vaematrix.reporting.formatting import full, printed
from vaematrix.reporting.frames import csv_text, html_page
from vaematrix.reporting.tables.fragments import NEEDS
from vaematrix.reporting.tables.results import Results, keys_of_samples

PRIOR = "prior"
MARK = "*"  # of the sampler that is shown in pictures

NOTE = (
    "Mean ± sample standard deviation over n seeds. Log-likelihood: of codes of the validation split, one z ~ q(z | x) "
    f"a face, which no fit has seen; nats of two models are of different codes. {MARK}: the fitted sampler under which "
    "these codes are likeliest. The pictures show it beside the prior."
)


def write_sampler_tables(
    folder: str | Path, results: Results, sampled: Sequence[RunMetrics], samplers: Sequence[str]
) -> None:
    """Write samplers.csv, .tex and .html into `folder`.

    Args:
        results: the runs, whose samples are of the prior. sampled: metrics of the samplers' samples.
        samplers: their names in the config's order.

    Raises:
        UserError: the runs of one sampler were not measured alike.
    """
    folder, title = Path(folder), f"{results.experiment}: every model under every sampler"
    for name in samplers:
        matrix.check_protocols([run for run in sampled if run.protocol.sampler == name])
    frame = sampler_frame(results, sampled, samplers)
    write_text(folder / "samplers.csv", csv_text(sampler_rows(results, sampled, samplers)))
    align = "ll" + "r" * (frame.shape[1] - 2)
    source = results.source(results.order)
    write_text(folder / "samplers.tex", latex.table(frame, align=align, needs=NEEDS, source=source))
    write_text(folder / "samplers.html", html_page(title, [("Samplers", frame, NOTE)]))


def sampler_rows(results: Results, sampled: Sequence[RunMetrics], samplers: Sequence[str]) -> pd.DataFrame:
    """In full precision: one row for each model, sampler and metric of its samples, with mean and sd over its seeds."""
    rows = [
        [model, sampler, key, results.label(key), spread.n, full(spread.mean), full(spread.sd)]
        for model, sampler, runs in _ordered(results, sampled, samplers)
        for key in dict.fromkeys(key for run in runs for key in run.metrics if _of_samples(run, key))
        if (spread := matrix.spread_over(runs, key))
    ]
    columns = ["model", "sampler", "metric", "label", "n", "mean", "sd"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def sampler_frame(results: Results, sampled: Sequence[RunMetrics], samplers: Sequence[str]) -> pd.DataFrame:
    """As it is printed: a line for each model and sampler."""
    best, keys = likeliest(sampled), keys_of_samples(results)
    rows = [
        [
            model,
            sampler + (MARK if best.get(model) == sampler else ""),
            str(len(runs)),
            *(printed(matrix.spread_over(runs, key), results.decimals(key)) for key in keys),
        ]
        for model, sampler, runs in _ordered(results, sampled, samplers)
    ]
    return pd.DataFrame(rows, columns=["Model", "Sampler", "n", *map(results.heading, keys)], dtype=object)


def _ordered(
    results: Results, sampled: Sequence[RunMetrics], samplers: Sequence[str]
) -> Iterator[tuple[str, str, Sequence[RunMetrics]]]:
    """(model, sampler, runs): the prior first, then the samplers in their order."""
    groups = by_sampler(sampled)
    for model in results.order:
        if model in results.groups:
            yield model, PRIOR, results.groups[model]
        for sampler in samplers:
            if (model, sampler) in groups:
                yield model, sampler, groups[model, sampler]


def _of_samples(run: RunMetrics, key: str) -> bool:
    return key == CODES_LOG_LIKELIHOOD.key or run.metrics[key].about in ("generation", "attributes")
