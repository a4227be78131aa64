"""What goes beyond each model's own numbers: differences between models, and what the weights decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.differences import Difference, between_models, judged_pairs
from vaematrix.analysis.measurements import Measurement, settings
from vaematrix.analysis.remedies import Remedy, trained
from vaematrix.analysis.weight_space import Landscape, landscapes
from vaematrix.metrics.catalogue import CODES_LOG_LIKELIHOOD
from vaematrix.reporting.tables.results import Results, keys_of_samples


@dataclass(frozen=True)
class Findings:
    """What goes beyond each model's own numbers.

    Attributes:
        differences: every pair of models in every metric.
        totals: every pair of models in the total, by the name of the set of weights.
        landscapes: all weightings, by the name of the scoring.
        remedies: models with a remedy against the same ones without, in every metric of the matrix and of samples.
    """

    differences: Sequence[Difference]
    totals: Mapping[str, Sequence[Difference]]
    landscapes: Mapping[str, Landscape]
    remedies: Sequence[tuple[Remedy, Difference]]


def findings(
    results: Results, per_image: Mapping[tuple[str, int], pd.DataFrame], pairs: Sequence[Remedy] = ()
) -> Findings:
    """Work out the findings.

    Args:
        per_image: the values of each run's faces, by model and seed.
        pairs: models with a remedy and the same ones without.
    """
    metrics = [*results.keys.values(), *results.further]
    return Findings(
        between_models(results.groups, per_image, metrics),
        _totals(results),
        landscapes(results.groups, results.rubric, results.keys),
        _remedies(results, per_image, pairs),
    )


def _remedies(
    results: Results, per_image: Mapping[tuple[str, int], pd.DataFrame], pairs: Sequence[Remedy]
) -> list[tuple[Remedy, Difference]]:
    """Each pair that was trained, in the matrix's metrics and in all that is said of samples, metric by metric."""
    of_models = {(pair.treated, pair.plain): pair for pair in trained(results.groups, pairs)}
    if not of_models:
        return []
    keys = [key for key in (*results.keys.values(), *keys_of_samples(results)) if key != CODES_LOG_LIKELIHOOD.key]
    differences = between_models(results.groups, per_image, list(dict.fromkeys(keys)), list(of_models))
    return [(of_models[difference.first, difference.second], difference) for difference in differences]


def _totals(results: Results) -> dict[str, list[Difference]]:
    """The differences of the totals, paired seed by seed."""
    confidence, _ = settings(results.runs)

    def by_seed(model: str, weighting: str) -> dict[int, Measurement]:
        return {
            run.seed: Measurement(
                float(matrix.evaluation_matrix([run], results.rubric, weighting, results.keys).total.mean)
            )
            for run in results.groups[model]
        }

    return {
        weighting: judged_pairs(
            {model: by_seed(model, weighting) for model in results.groups}, confidence, f"total_{weighting}", "higher"
        )
        for weighting in results.sets
    }
