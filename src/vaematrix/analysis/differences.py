"""Is the difference between two models, or between two experiments, more than chance?

Two runs of one seed are compared on the same faces, so their values are paired face by face and, over seeds, seed by
seed: whatever makes a face hard makes it hard for both models, and cancels. An interval covers

- the faces, where there is one seed: the percentile bootstrap over faces (Efron 1979). It describes these two trained
  networks on other faces, not other trainings: another seed of the same model may change a mean by many times what
  other faces do, so that nothing is claimed of the models, and there is no p;
- the faces and the seeds, where there are several: to each bootstrap mean over faces is added a draw of the error of
  the mean over seeds: Student's t with n - 1 degrees of freedom times the standard error of the paired differences.
  Seeds are too few to be resampled: the percentile bootstrap over three of them lies between the smallest and the
  largest, and covers the truth in 1 - 2/2³ = 75 % of all cases, whatever it claims. The part of the noise that is each
  seed's on each face is counted by both, which errs on the wide side;
- the seeds alone, for a measure of whole sets such as FID: the paired t interval (Student 1908). With one seed there is
  none.

What a difference may claim is decided here (:attr:`Difference.better_model`, :func:`best`, :func:`subject`), and every
table and text asks: of models only from SEEDS_FOR_MODELS seeds on, and only what its interval and Holm let stand. Many
pairs are compared, so each p is given as Holm adjusts it (Holm 1979), over all pairs of one metric: a false claim among
the pairs of one metric is as rare as the confidence says, one among all metrics is not.
Intervals are of each pair alone, not adjusted; where one seed leaves no p, the tables say so beside them.
"""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vaematrix.analysis.measurements import Measurement, measurements, settings
from vaematrix.common.records import RunMetrics

_ROUNDING = 1e-12  # relative to the values: a smaller standard error is the rounding of equal differences
FACES, BOTH, SEEDS, NOTHING = "faces", "faces and seeds", "seeds", "nothing"
SEEDS_FOR_MODELS = 3  # two hardly tell how far apart seeds lie


@dataclass(frozen=True)
class Difference:
    """A metric of `first` minus that of `second`, as the mean over the seeds that both have.

    Attributes:
        better: which direction of the metric is better: lower, higher, or empty for neither.
        n: seeds in common.
        covers: what the interval covers: faces, faces and seeds, seeds, or nothing.
        low, high: the interval; None where there is none.
        p: two-sided; None where nothing can be claimed of models.
        p_holm: p adjusted for the number of pairs; p itself for a single pair.
        at_most: p is the least that so many resamples can show: the true one is that or less.
    """

    metric: str
    first: str
    second: str
    better: str
    value: float
    n: int
    covers: str
    confidence: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    at_most: bool = False

    @property
    def apart(self) -> bool:
        """Whether there is an interval, and zero lies outside it."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    @property
    def better_model(self) -> str | None:
        """The model that may be called better: by the interval over at least SEEDS_FOR_MODELS seeds, and after Holm."""
        if not self.better or not self.apart or self.p_holm is None or self.p_holm > 1 - self.confidence:
            return None
        return self.first if (self.value < 0) == (self.better == "lower") else self.second

    @property
    def verdict(self) -> str:
        """What may be claimed, in words."""
        if not self.n:
            return "cannot be judged: no seed in common"
        if self.n < SEEDS_FOR_MODELS:
            return self._of_networks()
        if self.low is None:
            return "cannot be judged: no spread over seeds"
        if not self.apart:
            return "not distinguishable"
        if self.p_holm is None or self.p_holm > 1 - self.confidence:
            return "not distinguishable after Holm"
        return f"{self.better_model} better" if self.better_model else "different"

    def _of_networks(self) -> str:
        """What may be said with too few seeds: where there is one, how its two networks compare on these faces."""
        seeds = "one seed" if self.n == 1 else f"{self.n} seeds"
        if self.covers != FACES:
            return f"cannot be judged: {seeds}"
        lower = self.first if self.value < 0 else self.second
        finding = f"{lower} lower" if self.apart else "not distinguishable"
        return f"{finding} on these faces: these two networks only"


def subject(seeds: int) -> str:
    """What a mean over so many seeds describes, in words: the models, or only the networks that were trained."""
    return "these models" if seeds >= SEEDS_FOR_MODELS else "these networks"


def standing(differences: Sequence[Difference]) -> str:
    """Whether one model may be called the best, in words.

    Args:
        differences: of all pairs of models in one metric.
    """
    if model := best(differences):
        return f"{model} is better than every other model"
    if any(difference.n < SEEDS_FOR_MODELS for difference in differences):
        return f"the models cannot be judged with fewer than {SEEDS_FOR_MODELS} seeds in common"
    return "no model is distinguishable from all others" if differences else "there is no other model"


def best(differences: Sequence[Difference]) -> str | None:
    """The model that may be called better than every other; None where there is none.

    Args:
        differences: of all pairs of models in one metric.
    """
    models = {model for difference in differences for model in (difference.first, difference.second)}
    wins = Counter(difference.better_model for difference in differences if difference.better_model)
    return next((model for model, count in wins.items() if count == len(models) - 1), None)


def judged(
    first: Mapping[int, Measurement], second: Mapping[int, Measurement], confidence: float, /, **names: str
) -> Difference:
    """The difference of two models in one metric.

    A measure of whole sets that differs by exactly as much in every seed (scores in steps do) has no interval: that is
    a coarse measure, and not certainty.

    Args:
        first, second: the metric's measurements by seed.
        names: `metric`, `first`, `second` and `better` of the :class:`Difference`.
    """
    seeds = sorted(first.keys() & second.keys())
    pairs = [(first[seed], second[seed]) for seed in seeds]
    by_seed = np.array([in_first.value - in_second.value for in_first, in_second in pairs])
    resampled = [
        in_first.resampled - in_second.resampled
        for in_first, in_second in pairs
        if in_first.resampled is not None and in_second.resampled is not None
    ]
    n, value = len(seeds), float(by_seed.mean()) if seeds else math.nan
    error = by_seed.std(ddof=1) / math.sqrt(n) if n > 1 else 0.0
    if n and error < _ROUNDING * max(abs(measurement.value) for pair in pairs for measurement in pair):
        error = 0.0
    covers, low, high, p, at_most = NOTHING, None, None, None, False
    if n and len(resampled) == n:
        covers = BOTH if n > 1 else FACES
        draws = np.mean(resampled, axis=0)
        if n > 1:
            draws = draws + error * np.random.default_rng(1).standard_t(n - 1, size=len(draws))
        low, high, p, at_most = _from_draws(draws, confidence)
    elif n > 1 and error:
        covers, (low, high, p) = SEEDS, _from_seeds(by_seed, confidence)
    elif n > 1 and not value:  # equal in every seed
        covers, low, high, p = SEEDS, 0.0, 0.0, 1.0
    if n < SEEDS_FOR_MODELS:
        p, at_most = None, False
    return Difference(
        **names, value=value, n=n, covers=covers, confidence=confidence, low=low, high=high, p=p, p_holm=p,
        at_most=at_most,
    )  # fmt: skip


def _from_draws(draws: np.ndarray, confidence: float) -> tuple[float, float, float, bool]:
    """Percentile interval, the p at whose level it would just reach zero, and whether it is the least there can be."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    beyond = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(low), float(high), min(1.0, float(2 * (1 + beyond) / (len(draws) + 1))), bool(beyond == 0)


def _from_seeds(by_seed: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Interval and p of the mean over seeds, by Student's t."""
    from scipy.stats import ttest_1samp

    test = ttest_1samp(by_seed, 0)
    interval = test.confidence_interval(confidence)
    return float(interval.low), float(interval.high), float(test.pvalue)


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with p adjusted for their number (Holm 1979); those without p are no tests."""
    tests = [(difference.p, place) for place, difference in enumerate(differences) if difference.p is not None]
    adjusted, least = list(differences), 0.0
    for rank, (p, place) in enumerate(sorted(tests)):
        least = max(least, min(1.0, (len(tests) - rank) * p))
        adjusted[place] = dataclasses.replace(differences[place], p_holm=least)
    return adjusted


def between_models(
    groups: Mapping[str, Sequence[RunMetrics]],
    per_image: Mapping[tuple[str, int], pd.DataFrame],
    metrics: Sequence[str],
    pairs: Sequence[tuple[str, str]] | None = None,
) -> list[Difference]:
    """Pairs of models in every metric that both have, by metric, each adjusted for the number of pairs in it.

    Args:
        groups: the runs of each model.
        per_image: by model and seed.
        metrics: which, in this order. pairs: which; None: every pair.
    """
    runs = {(model, run.seed): run for model, group in groups.items() for run in group}
    confidence, resamples = settings(list(runs.values()))
    measured = measurements(runs, per_image, resamples)
    differences = []
    for metric in metrics:
        by_model = {
            model: {seed: measured[name, seed][metric] for name, seed in runs
                    if name == model and metric in measured[name, seed]}
            for model in groups
        }  # fmt: skip
        better = next((run.metrics[metric].better for run in runs.values() if metric in run.metrics), "")
        having_it = {model: by_seed for model, by_seed in by_model.items() if by_seed}
        differences += judged_pairs(having_it, confidence, metric, better, pairs)
    return differences


def judged_pairs(
    by_model: Mapping[str, Mapping[int, Measurement]],
    confidence: float,
    metric: str,
    better: str,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> list[Difference]:
    """Pairs of models in one metric, adjusted for their number.

    Args:
        by_model: the measurements by model and seed. pairs: which; None: every pair.
    """
    return holm(
        [
            judged(by_model[first], by_model[second], confidence, metric=metric, first=first, second=second,
                   better=better)
            for first, second in (itertools.combinations(by_model, 2) if pairs is None else pairs)
            if first in by_model and second in by_model
        ]
    )  # fmt: skip
