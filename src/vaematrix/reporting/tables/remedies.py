"""What an adversary or another prior brings: each model that has one against the same model without."""

from collections.abc import Sequence

import pandas as pd

from vaematrix.analysis.differences import SEEDS_FOR_MODELS, Difference
from vaematrix.analysis.remedies import Remedy
from vaematrix.reporting.formatting import full, interval, number, printed
from vaematrix.reporting.tables.claim_frames import adjusted_p, confidence_word
from vaematrix.reporting.tables.results import Results

NOTE = (
    "A − B: the model with the remedy minus the same one without, paired by seed, with an interval as in the "
    f"differences between models. A model is called better from {SEEDS_FOR_MODELS} seeds on. p is adjusted for the "
    "pairs of this table in each metric (Holm)."
)


def remedy_rows(results: Results, judged: Sequence[tuple[Remedy, Difference]]) -> pd.DataFrame:
    """In full precision, for CSV."""
    rows = [
        [pair.name, pair.treated, pair.plain, found.metric, results.label(found.metric), found.better, found.n,
         *map(full, (found.value, found.low, found.high)), found.covers, *map(full, (found.p, found.p_holm)),
         found.verdict]
        for pair, found in judged
    ]  # fmt: skip
    columns = ["remedy", "model", "plain", "metric", "label", "better", "n", "difference", "low", "high", "covers", "p"]
    return pd.DataFrame(rows, columns=[*columns, "p_holm", "claim"], dtype=object)


def remedy_frame(results: Results, judged: Sequence[tuple[Remedy, Difference]]) -> pd.DataFrame:
    """As it is printed: a line for each remedy, model and metric."""
    rows = []
    for pair, found in judged:
        decimals = results.decimals(found.metric)
        means = [printed(results.spread(model, found.metric), decimals) for model in (pair.treated, pair.plain)]
        change = [number(found.value, decimals + 1), interval(found, decimals + 1)]
        names = [results.heading(found.metric), pair.name, pair.treated, pair.plain]
        rows.append([*names, *means, *change, str(found.n), adjusted_p(found), found.verdict])
    confidence = confidence_word([found for _, found in judged])
    columns = ["Metric", "Remedy", "A", "B", "of A", "of B", "A − B", f"{confidence} interval"]
    return pd.DataFrame(rows, columns=[*columns, "n", "p (Holm)", "Claim"], dtype=object)
