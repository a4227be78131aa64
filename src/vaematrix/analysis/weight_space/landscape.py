"""All weightings under one way of scoring: who has the highest total where, and how far the rubric's weights hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vaematrix.analysis.weight_space.changes import Change, change_of_leader, change_of_order, leaders
from vaematrix.analysis.weight_space.scores import SCORINGS, mean_scores, weight_sets
from vaematrix.analysis.weight_space.simplex import Point, Territory, territories
from vaematrix.common.records import Metrics


@dataclass(frozen=True)
class Reach:
    """How far one set of weights holds.

    Attributes:
        name, weights: of the set.
        leaders: the models with the highest total under it; several where they tie.
        leader: the smallest change of the weights after which another model leads; None where there is none.
        order: the smallest after which any two models have changed places; None where there is none.
    """

    name: str
    weights: Point
    leaders: Sequence[str]
    leader: Change | None
    order: Change | None


@dataclass(frozen=True)
class Landscape:
    """All weightings under one way of scoring.

    Attributes:
        scores: each model's, one a row of the matrix.
        territories: who has the highest total where.
        sets: the rubric's sets of weights, as :func:`weight_sets` names them.
    """

    scores: Mapping[str, Point]
    territories: Sequence[Territory]
    sets: Mapping[str, Point]

    @cached_property
    def reaches(self) -> list[Reach]:
        """How far each set of weights holds; empty where there is no model."""
        return [
            Reach(
                name,
                weights,
                leaders(self.scores, weights),
                change_of_leader(self.scores, weights),
                change_of_order(self.scores, weights),
            )
            for name, weights in self.sets.items()
            if self.scores
        ]


def landscapes(
    groups: Mapping[str, Sequence[Metrics]], rubric: Mapping[str, Any], keys: Mapping[str, str]
) -> dict[str, Landscape]:
    """The landscape under each of SCORINGS. The arguments are those of :func:`mean_scores`."""
    sets = weight_sets(rubric, keys)
    found = {}
    for name, scoring in SCORINGS.items():
        scores = mean_scores(groups, rubric, keys, scoring)
        found[name] = Landscape(scores, territories(scores), sets)
    return found
