"""What goes beyond each model's own numbers: differences between models, and what the weights decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.analysis.differences import Difference, all_pairs, between_models
from vaematrix.analysis.measurements import Measurement, settings
from vaematrix.analysis.weight_space import Landscape, landscapes
from vaematrix.reporting.tables.results import Results


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
            run.seed: Measurement(
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
