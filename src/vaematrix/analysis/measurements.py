"""What runs measured: each metric's value, and its means over resampled faces, the same faces in all runs."""

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


@dataclass(frozen=True)
class Measurement:
    """A metric of one run: its value, and its means over resampled faces, [resamples]; None where it has none."""

    value: float
    resampled: np.ndarray | None = None


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
    frames = {key: per_image[key] for key in runs if key in per_image}
    keys = list(frames)
    for key, frame in frames.items():
        if not frame.index.equals(frames[keys[0]].index):
            raise UserError(
                f"the per_image.parquet of {keys[0]} and of {key} hold different faces, so that they cannot be paired. "
                "Delete the older one and run snakemake again."
            )
    columns = [(key, metric) for key, frame in frames.items() for metric in frame.columns]
    means = np.empty((resamples, 0))
    if columns:
        means = resampled_means(np.column_stack([frame.to_numpy(float) for frame in frames.values()]), resamples)
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
