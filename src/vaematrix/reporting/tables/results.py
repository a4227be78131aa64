"""What the tables and the report say, worked out once from metrics.json files and the rubric."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaematrix.analysis import matrix
from vaematrix.analysis.differences import subject
from vaematrix.analysis.matrix import Matrix, Spread, Standing
from vaematrix.analysis.published import PublishedTable, recomputed_published
from vaematrix.analysis.rubric import weighting_of
from vaematrix.common.records import Entry, FloorMetrics, RunMetrics
from vaematrix.metrics.catalogue import CODES_LOG_LIKELIHOOD

NO_SEED = -1  # in `missing`: the whole model


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
        sets: the sets of weights in use, in the models' order.
        further: the metrics measured besides.
    """

    experiment: str
    rubric: Mapping[str, Any]
    order: tuple[str, ...]
    runs: tuple[RunMetrics, ...]
    groups: Mapping[str, tuple[RunMetrics, ...]]
    floors: tuple[FloorMetrics, ...]
    missing: tuple[tuple[str, int, str], ...]
    keys: Mapping[str, str]
    sets: tuple[str, ...]
    further: tuple[str, ...]
    matrices: Mapping[str, Matrix]
    standings: tuple[Standing, ...]
    published: tuple[PublishedTable, ...]

    def seeds(self, model: str) -> str:
        """The model's seeds in words, such as `seeds 0, 1, 2`."""
        seeds = [str(run.seed) for run in self.groups.get(model, ())]
        return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(seeds)}" if seeds else "no runs"

    def labels_note(self, model: str) -> str:
        """What has to be said beside the matrix of a model that is told the labels; empty for any other."""
        told = [run.protocol for run in self.groups.get(model, ()) if run.protocol.sample_labels]
        if not told:
            return ""
        return (
            f"This model is told the attributes of each image of the {told[0].split} split that it reconstructs; "
            f"the others have to put them into the code. The attributes of its samples: {told[0].sample_labels}."
        )

    @property
    def subject(self) -> str:
        """What the means over seeds speak of, in words: `these models`, or `these networks` where seeds are few."""
        return subject(min(map(len, self.groups.values()), default=0))

    def source(self, models: Iterable[str]) -> str:
        """The runs that a fragment was made from, for its first line."""
        return f"{self.experiment}: " + "; ".join(f"{model} {self.seeds(model)}" for model in models)

    def label(self, key: str) -> str:
        """A metric's printed name: the rubric's, or the one in metrics.json."""
        rule = self.rubric["metrics"].get(key)
        return rule["label"] if rule else self._measured(key).label or key

    def heading(self, key: str) -> str:
        """A metric's printed name with its scale or unit and the direction in which it gets better."""
        scale = re.sub(r"(?<!\w)-(?=\d)", "−", self._measured(key).scale)
        arrow = {"lower": " ↓", "higher": " ↑"}.get(self._measured(key).better, "")
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
        return matrix.spread_over(self.groups.get(model, ()), key)

    def _measured(self, key: str) -> Entry:
        """An entry under this key, for its label, scale and direction."""
        measured = (run.metrics[key] for run in (*self.runs, *self.floors) if key in run.metrics)
        return next(measured, Entry(value=math.nan))


def collect(
    runs: Sequence[RunMetrics],
    rubric: Mapping[str, Any],
    order: Sequence[str],
    floors: Sequence[FloorMetrics] = (),
    missing: Mapping[tuple[str, int], str] | None = None,
) -> Results:
    """Work out the matrices and what goes with them.

    Args:
        runs: metrics.json of every run.
        rubric: the rubric, as `rubric.check_rubric` accepts it.
        order: the models' names in the config's order.
        floors: metrics.json of the floors (mean face, PCA).
        missing: why (model, seed) has no metrics.json.

    Raises:
        UserError: the runs were not measured alike.
    """
    matrix.check_protocols(runs, floors)
    order = tuple(dict.fromkeys([*order, *(run.model for run in runs)]))
    runs = tuple(sorted(runs, key=lambda run: (order.index(run.model), run.seed)))
    keys = matrix.matrix_keys(runs, rubric)
    groups, why_missing = _complete_groups(runs, keys, order, missing or {})
    models = dict.fromkeys([*order, *(model for model, _ in sorted(why_missing))])
    matrices = {model: matrix.evaluation_matrix(group, rubric, keys=keys) for model, group in groups.items()}
    # A model without runs keeps the column of its own weights, if it has any.
    weightings = (
        matrices[model].weighting if model in matrices else weighting_of(model, model, rubric) for model in order
    )
    sets = tuple(dict.fromkeys(weightings))
    return Results(
        experiment=runs[0].run.experiment if runs else "no runs",
        rubric=rubric,
        order=order,
        runs=runs,
        groups=groups,
        floors=tuple(floors),
        missing=tuple(
            (model, seed, reason)
            for model in models
            for (name, seed), reason in sorted(why_missing.items())
            if name == model
        ),
        keys=keys,
        sets=sets,
        further=tuple(
            dict.fromkeys(key for run in (*runs, *floors) for key in run.metrics if key not in keys.values())
        ),
        matrices=matrices,
        standings=tuple(matrix.cross_weights(groups, rubric, sets)),
        published=tuple(recomputed_published(rubric)),
    )


def _complete_groups(
    runs: Sequence[RunMetrics], keys: Mapping[str, str], order: Sequence[str], missing: Mapping[tuple[str, int], str]
) -> tuple[dict[str, tuple[RunMetrics, ...]], dict[tuple[str, int], str]]:
    """The runs of each model that have a value for every row of the matrix, and why each other run is missing."""
    why_missing = dict(missing)
    complete: dict[str, list[RunMetrics]] = {model: [] for model in order}
    for run in runs:
        if lacking := matrix.lacking(run, keys):
            why_missing[run.model, run.seed] = f"no value for {', '.join(lacking)}"
        else:
            complete[run.model].append(run)
    groups = {model: tuple(group) for model, group in complete.items() if group}
    for model in order:
        if model not in groups and not any(model == name for name, _ in why_missing):
            why_missing[model, NO_SEED] = "no results"
    return groups, why_missing


def keys_of_samples(results: Results) -> list[str]:
    """Log-likelihood, distances, precision and recall, in whatever features were measured."""
    named = re.compile(r"(frechet|fid|kernel_distance|kid|precision|recall)(_.+)?(?<!_infinity)")
    measured = dict.fromkeys(key for run in results.runs for key in run.metrics)
    likelihood = [key for key in measured if key == CODES_LOG_LIKELIHOOD.key]
    return [*likelihood, *filter(named.fullmatch, measured)]


def floor_word(floor: FloorMetrics) -> str:
    """The name that a floor's macros are made from: `mean face` gives the same as `mean_face`."""
    return floor.model.replace(" ", "_")


def display_floor(floor: FloorMetrics) -> str:
    """A floor's name in print: `mean_face` becomes `floor: mean face`."""
    return f"floor: {floor.model.replace('_', ' ')}"
