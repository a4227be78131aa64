"""Is the difference between two models, or between two experiments, more than chance?

Two runs of one seed are compared on the same faces, so their values are paired face by face and, over seeds, seed by
seed: what makes a face hard makes it hard for both and drops out. An interval covers

- the faces, where there is one seed: the percentile bootstrap over faces (Efron 1979). It speaks of these two trained
  networks on other faces, not of other trainings;
- the faces and the seeds, where there are several: to each bootstrap mean over faces is added a draw of the error of
  the mean over seeds: Student's t with n - 1 degrees of freedom times the standard error of the paired differences.
  Seeds are too few to be resampled: the percentile bootstrap over three of them lies between the smallest and the
  largest, and covers the truth in 1 - 2/2³ = 75 % of all cases, whatever it claims. The part of the noise that is each
  seed's on each face is counted by both, which errs on the wide side;
- the seeds alone, for a measure of whole sets such as FID: the paired t interval (Student 1908). With one seed there is
  none, and nothing is claimed.

Many pairs are compared, so each p is also given as Holm adjusts it (Holm 1979), over all pairs of one metric.
"""

import dataclasses
import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from vaematrix.analysis import matrix
from vaematrix.common.errors import UserError

Key = TypeVar("Key", bound=Hashable)

_INDICES_AT_ONCE = 2_000_000  # of resampled faces: 16 MB
FACES, BOTH, SEEDS, NOTHING = "faces", "faces and seeds", "seeds", "nothing"


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
        low, high, p: the interval and the two-sided p; None where it cannot be judged.
        p_holm: p adjusted for the number of pairs; p itself for a single pair.
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

    @property
    def verdict(self) -> str:
        """What may be claimed, in words."""
        if self.low is None or self.high is None or self.p_holm is None:
            return "cannot be judged: one seed" if self.n else "cannot be judged: no seed in common"
        if self.low <= 0 <= self.high:
            return "not distinguishable"
        winner = self.first if (self.value < 0) == (self.better == "lower") else self.second
        claim = f"{winner} better" if self.better else "different"
        return claim if self.p_holm <= 1 - self.confidence else f"{claim}, but not after Holm"


def read_per_image(path: str | Path) -> pd.DataFrame:
    """The values of per_image.parquet, one column a metric, one row a face, by image_id and sorted by it."""
    return pd.read_parquet(path).set_index("image_id").sort_index()


def settings(runs: Sequence[Mapping[str, Any]]) -> tuple[float, int]:
    """Confidence and number of resamples that the runs' own intervals have; 0.95 and 1000 where they do not say."""
    protocol = runs[0].get("protocol", {}) if runs else {}
    return protocol.get("confidence", 0.95), protocol.get("resamples", 1000)


def measurements(
    runs: Mapping[Key, Mapping[str, Any]], per_image: Mapping[Key, pd.DataFrame], resamples: int
) -> dict[Key, dict[str, Measurement]]:
    """Every metric of every run, with its means over the same resampled faces in all runs.

    Args:
        runs: metrics.json by any key.
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
            for metric in run["metrics"]
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
    covers, low, high, p = NOTHING, None, None, None
    if n and len(faces) == n:
        covers = BOTH if n > 1 else FACES
        draws = np.mean(faces, axis=0)
        if n > 1:
            draws = draws + error * np.random.default_rng(1).standard_t(n - 1, size=len(draws))
        low, high, p = _from_draws(draws, confidence)
    elif n > 1:
        covers, (low, high, p) = SEEDS, _student(value, error, n, confidence)
    return Difference(
        **names, value=value, n=n, covers=covers, confidence=confidence, low=low, high=high, p=p, p_holm=p
    )


def _from_draws(draws: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Percentile interval, and the p at whose level it would just reach zero, which is at least 2 / (resamples + 1)."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    tail = 1 + min((draws <= 0).sum(), (draws >= 0).sum())
    return float(low), float(high), min(1.0, float(2 * tail / (len(draws) + 1)))


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
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
    per_image: Mapping[tuple[str, int], pd.DataFrame],
    metrics: Sequence[str],
) -> list[Difference]:
    """Every pair of models in every metric that both have, by metric.

    Args:
        groups: the runs of each model.
        per_image: by model and seed.
        metrics: which, in this order.
    """
    runs = {(model, run["run"]["seed"]): run for model, group in groups.items() for run in group}
    confidence, resamples = settings(list(runs.values()))
    measured = measurements(runs, per_image, resamples)
    found = []
    for metric in metrics:
        of = {
            model: {seed: measured[name, seed][metric] for name, seed in runs
                    if name == model and metric in measured[name, seed]}
            for model in groups
        }  # fmt: skip
        better = next(
            (run["metrics"][metric].get("better", "") for run in runs.values() if metric in run["metrics"]), ""
        )
        pairs = itertools.combinations([model for model in groups if of[model]], 2)
        found += holm(
            [
                judged(of[one], of[two], confidence, metric=metric, first=one, second=two, better=better)
                for one, two in pairs
            ]
        )
    return found
