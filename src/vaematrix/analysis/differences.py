"""Is the difference between two models, or between two experiments, more than chance?

Two runs of one seed are compared on the same faces, so their values are paired face by face and, over seeds, seed by
seed: what makes a face hard makes it hard for both and drops out. An interval covers

- the faces, where there is one seed: the percentile bootstrap over faces (Efron 1979). It speaks of these two trained
  networks on other faces, not of other trainings: another seed of the same model may change a mean by many times what
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
"""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from pyarrow.lib import ArrowException

from vaematrix.analysis import matrix
from vaematrix.common.errors import UserError
from vaematrix.common.records import Protocol, RunMetrics

Key = TypeVar("Key", bound=Hashable)

_INDICES_AT_ONCE = 2_000_000  # of resampled faces: 16 MB
_ROUNDING = 1e-12  # of values of one size: what subtraction leaves of nothing
FACES, BOTH, SEEDS, NOTHING = "faces", "faces and seeds", "seeds", "nothing"
SEEDS_FOR_MODELS = 3  # two say next to nothing of how far apart seeds lie


@dataclass(frozen=True)
class Measurement:
    """A metric of one run: its value, and its means over resampled faces, [resamples]; None where it has none."""

    value: float
    resampled: np.ndarray | None = None


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
        said = f"{lower} lower on these faces" if self.apart else "not distinguishable on these faces"
        return f"{said}: these two networks only"


def subject(seeds: int) -> str:
    """What means over so many seeds speak of."""
    return "these models" if seeds >= SEEDS_FOR_MODELS else "these networks"


def standing(differences: Sequence[Difference]) -> str:
    """Whether one model may be called the best, in words. Args: differences: of all pairs of models in one metric."""
    if model := best(differences):
        return f"{model} is better than every other model"
    if any(one.n < SEEDS_FOR_MODELS for one in differences):
        return f"the models cannot be judged with fewer than {SEEDS_FOR_MODELS} seeds in common"
    return "no model is distinguishable from all others" if differences else "there is no other model"


def best(differences: Sequence[Difference]) -> str | None:
    """The model that may be called better than every other; None where there is none.

    Args:
        differences: of all pairs of models in one metric.
    """
    models = {model for one in differences for model in (one.first, one.second)}
    ahead = Counter(one.better_model for one in differences if one.better_model)
    return next((model for model, count in ahead.items() if count == len(models) - 1), None)


def read_per_image(path: str | Path) -> pd.DataFrame:
    """The values of per_image.parquet, one column a metric, one row a face, by image_id and sorted by it.

    Raises:
        UserError: the file holds anything else.
    """
    try:
        if not Path(path).is_file():
            raise ValueError("no regular file")
        return pd.read_parquet(path).set_index("image_id").sort_index().astype(float)
    except (ValueError, KeyError, OSError, ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: cannot be read as values by image ({reason}). Delete it and run snakemake again."
        ) from None


def settings(runs: Sequence[RunMetrics]) -> tuple[float, int]:
    """Confidence and number of resamples that the runs' own intervals have; 0.95 and 1000 where they do not say."""
    protocol = runs[0].protocol if runs else Protocol()
    confidence, resamples = protocol.confidence, protocol.resamples
    return 0.95 if confidence is None else confidence, 1000 if resamples is None else resamples


def measurements(
    runs: Mapping[Key, RunMetrics], per_image: Mapping[Key, pd.DataFrame], resamples: int
) -> dict[Key, dict[str, Measurement]]:
    """Every metric of every run, with its means over the same resampled faces in all runs.

    Args:
        runs: by any key.
        per_image: what :func:`read_per_image` read, by the same keys; a run that is absent has no means over faces.

    Raises:
        UserError: two runs were measured on different faces.
    """
    faces = {key: per_image[key] for key in runs if key in per_image}
    first = next(iter(faces), None)
    for key, frame in faces.items():
        if not frame.index.equals(faces[first].index):
            raise UserError(
                f"the per_image.parquet of {first} and of {key} hold different faces, so that they cannot be paired. "
                "Delete the older one and run snakemake again."
            )
    columns = [(key, metric) for key, frame in faces.items() for metric in frame.columns]
    means = np.empty((resamples, 0))
    if columns:
        means = resampled_means(np.column_stack([frame.to_numpy(float) for frame in faces.values()]), resamples)
    draws = {column: means[:, place] for place, column in enumerate(columns)}
    return {
        key: {
            metric: Measurement(float(value), draws.get((key, metric)))
            for metric in run.metrics
            if (value := matrix.value_of(run, metric)) is not None
        }
        for key, run in runs.items()
    }


def resampled_means(values: np.ndarray, resamples: int, seed: int = 0) -> np.ndarray:
    """Means over faces drawn with replacement, the same faces for all columns.

    Args:
        values: [faces, columns].

    Returns:
        float64 [resamples, columns].
    """
    count, rng = len(values), np.random.default_rng(seed)
    block = max(1, _INDICES_AT_ONCE // count)
    means = []
    for start in range(0, resamples, block):
        drawn = rng.integers(count, size=(min(block, resamples - start), count))
        times = np.stack([np.bincount(row, minlength=count) for row in drawn])
        means.append(times @ values / count)
    return np.concatenate(means)


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
    by_seed = np.array([one.value - other.value for one, other in pairs])
    faces = [one.resampled - other.resampled for one, other in pairs
             if one.resampled is not None and other.resampled is not None]  # fmt: skip
    n, value = len(seeds), float(by_seed.mean()) if seeds else math.nan
    error = by_seed.std(ddof=1) / math.sqrt(n) if n > 1 else 0.0
    if n and error < _ROUNDING * max(abs(one.value) for pair in pairs for one in pair):
        error = 0.0
    covers, low, high, p, at_most = NOTHING, None, None, None, False
    if n and len(faces) == n:
        covers = BOTH if n > 1 else FACES
        draws = np.mean(faces, axis=0)
        if n > 1:
            draws = draws + error * np.random.default_rng(1).standard_t(n - 1, size=len(draws))
        low, high, p, at_most = _from_draws(draws, confidence)
    elif n > 1 and (error or not value):
        covers, (low, high, p) = SEEDS, _student(value, error, n, confidence)
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


def _student(value: float, error: float, n: int, confidence: float) -> tuple[float, float, float]:
    """Interval and p of a mean of `n` values with standard error `error`."""
    from scipy.special import stdtr, stdtrit

    reach = stdtrit(n - 1, (1 + confidence) / 2) * error
    p = 2 * stdtr(n - 1, -abs(value) / error) if error else float(value == 0)
    return float(value - reach), float(value + reach), float(p)


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with p adjusted for their number (Holm 1979); those without p are no tests."""
    order = sorted((i for i, one in enumerate(differences) if one.p is not None), key=lambda i: differences[i].p)
    adjusted, least = list(differences), 0.0
    for place, i in enumerate(order):
        least = max(least, min(1.0, (len(order) - place) * differences[i].p))
        adjusted[i] = dataclasses.replace(differences[i], p_holm=least)
    return adjusted


def between_models(
    groups: Mapping[str, Sequence[RunMetrics]],
    per_image: Mapping[tuple[str, int], pd.DataFrame],
    metrics: Sequence[str],
) -> list[Difference]:
    """Every pair of models in every metric that both have, by metric.

    Args:
        groups: the runs of each model.
        per_image: by model and seed.
        metrics: which, in this order.
    """
    runs = {(model, run.seed): run for model, group in groups.items() for run in group}
    confidence, resamples = settings(list(runs.values()))
    measured = measurements(runs, per_image, resamples)
    found = []
    for metric in metrics:
        of = {
            model: {seed: measured[name, seed][metric] for name, seed in runs
                    if name == model and metric in measured[name, seed]}
            for model in groups
        }  # fmt: skip
        better = next((run.metrics[metric].better for run in runs.values() if metric in run.metrics), "")
        found += all_pairs({model: by_seed for model, by_seed in of.items() if by_seed}, confidence, metric, better)
    return found


def all_pairs(
    of: Mapping[str, Mapping[int, Measurement]], confidence: float, metric: str, better: str
) -> list[Difference]:
    """Every pair of models in one metric, adjusted for their number. Args: of: the measurements by model and seed."""
    return holm(
        [
            judged(of[one], of[two], confidence, metric=metric, first=one, second=two, better=better)
            for one, two in itertools.combinations(of, 2)
        ]
    )
