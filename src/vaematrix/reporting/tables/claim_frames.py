"""What may be claimed, as it is printed: frames of differences between models and of what the weights decide, with the
notes that say how to read them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

import pandas as pd

from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.differences import SEEDS_FOR_MODELS, Difference, standing
from vaematrix.analysis.measurements import settings
from vaematrix.analysis.weight_space import DRAWS, Landscape, Territory
from vaematrix.reporting.formatting import interval, number, percent, rounded_fraction
from vaematrix.reporting.tables.findings import Findings
from vaematrix.reporting.tables.results import Results

MOST_PAIRS = 15  # six models: more are shown against the model with the best mean only, and stand whole in the CSV
P_PLACES = 4


def differences_frame(results: Results, differences: Sequence[Difference]) -> pd.DataFrame:
    """The differences in the matrix's metrics, as they are printed."""
    rows = [
        [
            results.heading(metric),
            difference.first,
            difference.second,
            number(difference.value, results.decimals(metric) + 1),
            interval(difference, results.decimals(metric) + 1),
            str(difference.n),
            difference.covers,
            adjusted_p(difference),
            difference.verdict,
        ]
        for metric in results.keys.values()
        for difference in _shown([found for found in differences if found.metric == metric], results)
    ]
    within = f"{confidence_word(differences)} interval"
    columns = ["Metric", "A", "B", "A − B", within, "n", "Covers", "p (Holm)", "Claim"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def adjusted_p(difference: Difference) -> str | None:
    """The adjusted p in print, rounded up where it is an upper bound."""
    if difference.p_holm is None:
        return None
    if not difference.at_most:
        return number(difference.p_holm, P_PLACES)
    return f"≤ {Decimal(repr(difference.p_holm)).quantize(Decimal(1).scaleb(-P_PLACES), ROUND_CEILING)}"


def _shown(differences: list[Difference], results: Results) -> list[Difference]:
    """Of the pairs in one metric all, or those with the model of the best mean where there are more than MOST_PAIRS."""
    if len(differences) <= MOST_PAIRS:
        return differences
    means = {model: spread.mean for model in results.groups if (spread := results.spread(model, differences[0].metric))}
    best = (min if differences[0].better == "lower" else max)(means, key=means.__getitem__)
    return [difference for difference in differences if best in (difference.first, difference.second)]


def confidence_word(differences: Sequence[Difference]) -> str:
    """The confidence of intervals in print, such as `95%`."""
    return f"{(differences[0].confidence if differences else 0.95) * 100:g}%"


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
        "over all of them. ≤: so many resamples show no smaller p. An interval is each pair's own, whatever the number "
        "of pairs: of many that one seed gives, without p, some exclude zero by chance."
    )
    if pairs > MOST_PAIRS:
        note += " Shown are the pairs with the model of the best mean; the CSV has all."
    if resamples < wanted:
        note += f" So many pairs want at least {wanted} resamples (evaluation.resamples) for a p that Holm lets stand."
    return note


def shares_frame(results: Results, landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """Under how much of all weightings each model has the highest total, with its mean scores, for each scoring."""
    rows = []
    for scoring, landscape in landscapes.items():
        for model, territory in territory_by_model(landscape, results.groups):
            scores = [rounded_fraction(score, 2) for score in landscape.scores[model]]
            share = f"{percent(territory.share)}%{_tied(model, territory, landscape)}"
            rows.append([scoring, model, str(len(results.groups[model])), *scores, share])
    columns = ["Scores", "Model", "n", *(results.label(key) for key in results.keys.values()), "Highest total"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def territory_by_model(landscape: Landscape, models: Iterable[str]) -> list[tuple[str, Territory]]:
    """Each model with the weightings under which it has the highest total."""
    territories = {model: territory for territory in landscape.territories for model in territory.models}
    return [(model, territories[model]) for model in models]


def models_tied_with(model: str, territory: Territory) -> list[str]:
    """The models that tie with a model under all weightings."""
    return [other for other in territory.models if other != model]


def _tied(model: str, territory: Territory, landscape: Landscape) -> str:
    """With whom a model ties, in parentheses; empty where with none."""
    if not (others := models_tied_with(model, territory)):
        return ""
    return " (all tie)" if len(others) + 1 == len(landscape.scores) else f" (tied with {', '.join(others)})"


def changes_frame(landscapes: Mapping[str, Landscape]) -> pd.DataFrame:
    """How far each set of weights is from another highest total, and from another order."""
    rows = []
    for scoring, landscape in landscapes.items():
        for reach in landscape.reaches:
            rows.append(
                [
                    reach.name,
                    " / ".join(rounded_fraction(100 * weight, 0) for weight in reach.weights),
                    scoring,
                    "all tie" if len(reach.leaders) == len(landscape.scores) > 1 else " = ".join(reach.leaders),
                    percent(reach.leader.moved) if reach.leader else "never",
                    reach.leader.overtaker if reach.leader else None,
                    percent(reach.order.moved) if reach.order else "never",
                    f"{reach.order.overtaker} over {reach.order.overtaken}" if reach.order else None,
                ]
            )
    columns = ["Weights of", "Percent", "Scores", "Highest total", "Until", "Then", "Order until", "Then "]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def shares_note(results: Results, landscapes: Mapping[str, Landscape]) -> str:
    """How the shares are to be read."""
    drawn = any(territory.error for landscape in landscapes.values() for territory in landscape.territories)
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
    totals_by_claim: dict[str, list[str]] = {}
    for weighting, totals in findings.totals.items():
        means = [ranked.total.mean for ranked in results.standings if ranked.weighting == weighting]
        if means:
            highest = f"{rounded(max(means), 2)} with the weights of {weighting}"
            totals_by_claim.setdefault(standing(totals), []).append(highest)
    return " ".join(
        f"The highest mean total is {', '.join(totals)}: {claim}." for claim, totals in totals_by_claim.items()
    )


def shares_title(results: Results) -> str:
    """The heading of :func:`shares_frame`."""
    return f"Highest total under all weightings, of {results.subject}"
