"""Tables of what may be claimed: differences between models, and what the weights decide."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.differences import (
    SEEDS_FOR_MODELS,
    Difference,
    Measurement,
    all_pairs,
    between_models,
    settings,
    standing,
)
from vaematrix.analysis.weight_space import DRAWS, Landscape, Point, Territory, landscapes
from vaematrix.reporting.tables.full import full
from vaematrix.reporting.tables.results import Results

MOST_PAIRS = 15  # six models: more are shown against the model with the best mean only, and stand whole in the CSV
P_PLACES = 4


@dataclass(frozen=True)
class Findings:
    """What goes beyond each model's own numbers.

    Attributes:
        differences: every pair of models in every metric.
        totals: every pair of models in the total, by the name of the set of weights.
        landscapes: all weightings, by the name of the scoring.
    """

    differences: Sequence[Difference]
    totals: Mapping[str, Sequence[Difference]]
    landscapes: Mapping[str, Landscape]


def findings(results: Results, per_image: Mapping[tuple[str, int], pd.DataFrame]) -> Findings:
    """Work out the findings. Args: per_image: the values of each run's faces, by model and seed."""
    metrics = [*results.keys.values(), *results.further]
    return Findings(
        between_models(results.groups, per_image, metrics),
        _totals(results),
        landscapes(results.groups, results.rubric, results.keys),
    )


def _totals(results: Results) -> dict[str, list[Difference]]:
    """The differences of the totals, paired seed by seed."""
    confidence, _ = settings(results.runs)

    def by_seed(model: str, weighting: str) -> dict[int, Measurement]:
        return {
            run["run"]["seed"]: Measurement(
                float(matrix.evaluation_matrix([run], results.rubric, weighting, results.keys).total.mean)
            )
            for run in results.groups[model]
        }

    return {
        weighting: all_pairs(
            {model: by_seed(model, weighting) for model in results.groups}, confidence, f"total_{weighting}", "higher"
        )
        for weighting in results.sets
    }


# --- differences ------------------------------------------------------------------------------------------------------


def differences_frame(results: Results, differences: Sequence[Difference]) -> pd.DataFrame:
    """The differences in the matrix's metrics, as they are printed."""
    rows = [
        [
            results.heading(one.metric),
            one.first,
            one.second,
            number(one.value, results.decimals(one.metric) + 1),
            interval(one, results.decimals(one.metric) + 1),
            str(one.n),
            one.covers,
            _p(one),
            one.verdict,
        ]
        for metric in results.keys.values()
        for one in _shown([one for one in differences if one.metric == metric], results)
    ]
    columns = ["Metric", "A", "B", "A − B", f"{_confidence(differences)} interval", "n", "Covers", "p (Holm)", "Claim"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _p(one: Difference) -> str | None:
    """The adjusted p in print, rounded up where it is an upper bound."""
    if one.p_holm is None or not one.at_most:
        return None if one.p_holm is None else number(one.p_holm, P_PLACES)
    return f"≤ {Decimal(repr(one.p_holm)).quantize(Decimal(1).scaleb(-P_PLACES), ROUND_CEILING)}"


def _shown(differences: list[Difference], results: Results) -> list[Difference]:
    if len(differences) <= MOST_PAIRS:
        return differences
    means = {model: spread.mean for model in results.groups if (spread := results.spread(model, differences[0].metric))}
    best = (min if differences[0].better == "lower" else max)(means, key=means.__getitem__)
    return [one for one in differences if best in (one.first, one.second)]


def _confidence(differences: Sequence[Difference]) -> str:
    return f"{(differences[0].confidence if differences else 0.95) * 100:g}%"


def number(value: float, places: int) -> str:
    """A number in print, with a minus sign that is one; a dash where there is none."""
    return "–" if value != value else rounded(Decimal(repr(value)), places).replace("-", "−")


def interval(one: Difference, places: int) -> str | None:
    """An interval in print."""
    return None if one.low is None or one.high is None else f"[{number(one.low, places)}, {number(one.high, places)}]"


def differences_note(results: Results) -> str:
    """How the differences are to be read."""
    pairs = math.comb(len(results.groups), 2)
    confidence, resamples = settings(results.runs)
    wanted = math.ceil(2 * pairs / (1 - confidence))
    note = (
        "A − B is the mean over the n seeds that both have. With one seed the interval covers the faces alone, paired: "
        "it speaks of these two trained networks, since another seed changes a mean by more than other faces do. With "
        "several it covers faces and seeds, and for measures of whole sets the seeds, paired seed by seed. An interval "
        f"that covers zero is not distinguishable from chance. A model is called better from {SEEDS_FOR_MODELS} seeds "
        "on. p is adjusted for the pairs of models in each metric (Holm): the error is controlled per metric, not "
        "over all of them. ≤: so many resamples show no smaller p."
    )
    if pairs > MOST_PAIRS:
        note += " Shown are the pairs with the model of the best mean; the CSV has all."
    if resamples < wanted:
        note += f" So many pairs want at least {wanted} resamples (evaluation.resamples) for a p that Holm lets stand."
    return note


def differences_rows(results: Results, findings: Findings) -> pd.DataFrame:
    """One row for each metric and pair of models, and for each total and pair."""
    columns = [
        "metric", "label", "first", "second", "n", "difference", "low", "high", "confidence", "covers", "p", "p_holm",
        "claim",
    ]  # fmt: skip
    labelled = [(results.label(one.metric), one) for one in findings.differences]
    labelled += [(f"Total under the weights of {of}", one) for of, totals in findings.totals.items() for one in totals]
    rows = [
        [one.metric, label, one.first, one.second, one.n, full(None if not one.n else one.value),
         *map(full, (one.low, one.high, one.confidence)), one.covers, full(one.p), full(one.p_holm), one.verdict]
        for label, one in labelled
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns, dtype=object)


# --- weights ----------------------------------------------------------------------------------------------------------


def percent(share: Fraction) -> str:
    """A share in percent, with one decimal."""
    return _decimals(100 * share, 1)


def shares_frame(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """Under how much of all weightings each model has the highest total, with its mean scores, for each scoring."""
    rows = [
        [scoring, model, str(len(results.groups[model])), *(_decimals(part, 2) for part in landscape.scores[model]),
         f"{percent(of.share)}%{_tied(model, of, landscape)}"]
        for scoring, landscape in landscapes.items()
        for model, of in _territory_of(landscape, results.groups)
    ]  # fmt: skip
    columns = ["Scores", "Model", "n", *(results.label(key) for key in results.keys.values()), "Highest total"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _territory_of(landscape: Landscape, models: Iterable[str]) -> list[tuple[str, Territory]]:
    """Each model with the weightings under which it has the highest total."""
    of = {model: territory for territory in landscape.territories for model in territory.models}
    return [(model, of[model]) for model in models]


def _others(model: str, territory: Territory) -> list[str]:
    """Who ties with a model under all weightings."""
    return [other for other in territory.models if other != model]


def _tied(model: str, territory: Territory, landscape: Landscape) -> str:
    if not (others := _others(model, territory)):
        return ""
    return " (all tie)" if len(others) + 1 == len(landscape.scores) else f" (tied with {', '.join(others)})"


def _decimals(part: Fraction, places: int) -> str:
    return rounded(Decimal(part.numerator) / part.denominator, places)


def _point(point: Point, places: int) -> str:
    return " / ".join(_decimals(part, places) for part in point)


def changes_frame(landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """How far each set of weights is from another highest total, and from another order."""
    rows = []
    for scoring, landscape in landscapes.items():
        for name, weights, first, leader, order in landscape.changes:
            rows.append(
                [
                    name,
                    _point(tuple(100 * weight for weight in weights), 0),
                    scoring,
                    "all tie" if len(first) == len(landscape.scores) > 1 else " = ".join(first),
                    percent(leader.moved) if leader else "never",
                    leader.overtaker if leader else None,
                    percent(order.moved) if order else "never",
                    f"{order.overtaker} over {order.overtaken}" if order else None,
                ]
            )
    columns = ["Weights of", "Percent", "Scores", "Highest total", "Until", "Then", "Order until", "Then "]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def shares_note(results: Results, landscapes: Mapping[str, Landscape]) -> str:
    """How the shares are to be read."""
    drawn = any(one.error for landscape in landscapes.values() for one in landscape.territories)
    how = (
        f"estimated from {DRAWS:,} weightings drawn at random, with a standard error of {50 / math.sqrt(DRAWS):g} "
        "percentage points at most"
        if drawn
        else "exact"
    )
    return (
        "Highest total: the share of all weightings of the rows (each as likely as any other) under which the model's "
        f"total is the highest, {how}. Ten steps: the rubric's scores. Continuous: linear between its breakpoints, and "
        "on with the first and the last slope beyond them, without end. Scores are means over seeds, of "
        f"{results.subject}: whether models differ by more than chance, the differences say."
    )


CHANGES_NOTE = (
    "Until: the percentage points of weight that must at least move from some rows to others before another total is "
    "the highest, and before any two change places; 0.0 is a tie."
)


def standings_text(results: Results, findings: Findings) -> str:
    """What may be claimed of the totals; sets of weights of which the same is said stand in one sentence."""
    said: dict[str, list[str]] = {}
    for weighting, totals in findings.totals.items():
        means = [one.total.mean for one in results.standings if one.weighting == weighting]
        if means:
            said.setdefault(standing(totals), []).append(f"{rounded(max(means), 2)} with the weights of {weighting}")
    return " ".join(f"The highest mean total is {', '.join(highest)}: {claim}." for claim, highest in said.items())


def shares_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring and model."""
    keys = results.keys.values()
    rows = [
        [scoring, model, len(results.groups[model]), *map(full, landscape.scores[model]), full(100 * of.share),
         full(100 * of.error), "; ".join(_others(model, of))]
        for scoring, landscape in landscapes.items()
        for model, of in _territory_of(landscape, results.groups)
    ]  # fmt: skip
    columns = ["scoring", "model", "n", *(f"{key}_score" for key in keys), "share_percent", "standard_error_points"]
    columns.append("tied_with")
    return pd.DataFrame(rows, columns=columns, dtype=object)


def changes_rows(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """One row for each scoring, set of weights and kind of change, with the weights at which two models are equal."""
    rows = []
    for scoring, landscape in landscapes.items():
        for name, weights, first, leader, order in landscape.changes:
            for kind, change in (("highest total", leader), ("order", order)):
                there = [change.overtaker, change.overtaken, full(100 * change.moved)] if change else [None] * 3
                equal = [full(100 * part) for part in change.weights] if change else [None] * len(weights)
                rows.append([scoring, name, "; ".join(first), kind, *there, *equal])
    columns = ["scoring", "weights", "highest_total", "change_of", "overtaker", "overtaken", "points"]
    columns += [f"{key}_percent_there" for key in results.keys.values()]
    return pd.DataFrame(rows, columns=columns, dtype=object)
