"""What jobs ask of a scheduler, from what was measured.

A walltime that is too short costs little: a training saves its state and stops before its end, and the next attempt
continues from there with more. So each attempt after a failure asks for more, and the first need not be generous.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from vaematrix.common import records

# Images/s of two CPU cores with the paper's network; GPUs are faster.
GENERATED_PER_SECOND = 150
FEATURES_PER_SECOND = 30
START_MINUTES = 10  # imports from a busy file system, reading the shards
SAFETY = 1.5
START_MB = 4000  # two Snakemakes, and torch with CUDA


class Demand:
    """Minutes of walltime and megabytes of memory that an experiment's jobs ask for at their first attempt."""

    def __init__(self, config: Mapping[str, Any], shards: Sequence[str], results: Path) -> None:
        """Args: shards: files of the prepared images. results: folder of all experiments, for measured speeds."""
        self.config, self.shards, self.results = config, shards, results

    @cached_property
    def faces(self) -> int:
        """How many images the shards hold.

        Raises:
            FileNotFoundError: they are not made yet; Snakemake then shows <TBD>.
        """
        from pyarrow import parquet

        with ExitStack() as files:  # opened here, since pyarrow's error does not tell Snakemake which file is missing
            shards = (files.enter_context(Path(shard).open("rb")) for shard in self.shards)
            return sum(parquet.read_metadata(shard).num_rows for shard in shards)

    @cached_property
    def training_speed(self) -> float:
        """Images/s: of the slowest finished training of this network on the cluster, else the configuration's guess."""
        runs = self.results.glob(f"*/{records.RUN_GLOB}/run.json")
        speeds = [records.speed_on_a_cluster(run, self.config["network"]["widths"]) for run in runs]
        return min(filter(None, speeds), default=self.config["training"]["images_per_second"])

    @property
    def training_minutes(self) -> int:
        """Of one training."""
        return _minutes(self.faces * self.config["training"]["epochs"], self.training_speed)

    @property
    def generation_minutes(self) -> int:
        """Of what decodes, or looks at, every image and sample once."""
        return _minutes(self.faces + self.config["sampling"]["count"], GENERATED_PER_SECOND)

    @property
    def sampling_minutes(self) -> int:
        """Of what decodes every sample once."""
        return _minutes(self.config["sampling"]["count"], GENERATED_PER_SECOND)

    @property
    def sampling_mb(self) -> int:
        """Of what holds the samples: twice, as they are decoded and as they are written."""
        return self._holding(self.config["sampling"]["count"])

    @property
    def features_minutes(self) -> int:
        """Of what takes features of images and samples."""
        return _minutes(self.faces + self.config["sampling"]["count"], FEATURES_PER_SECOND)

    @property
    def memory_mb(self) -> int:
        """Of what holds the images: twice, as they are read and as they are used."""
        return self._holding(self.faces)

    def _holding(self, images: int) -> int:
        return START_MB + math.ceil(2 * images * self.config["dataset"]["size"] ** 2 * 3 / 1e6)


def _minutes(images: int, speed: float) -> int:
    return math.ceil(START_MINUTES + SAFETY * images / speed / 60)
