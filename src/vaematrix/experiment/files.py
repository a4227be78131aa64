"""Where the files of an experiment lie: names that follow from its configuration alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from vaematrix.analysis.rubric import row_keys
from vaematrix.common import records
from vaematrix.experiment.remedies import remedies
from vaematrix.metrics import inception_weights
from vaematrix.reporting.names import matrix_file, published_file

# The pictures of a run.
PICTURES = ("reconstructions", "samples", "attributes", "traversal", "interpolations")

# The figures of all runs together, with their labels in the HTML report.
FIGURES = {
    "overview": "reconstructions of all models",
    "prior_samples": "samples of all models",
    "distributions": "errors of all models",
    "rate_distortion": "rate and distortion",
    "latent_units": "use of the latent units",
    "distance_by_count": "Fréchet distance by sample count",
    "training": "training curves",
}

_TABLES = (
    *("metrics.csv", "matrix.csv", "matrix_by_seed.csv", "summary.csv", "summary.txt"),
    *("numbers.tex", "summary.tex", "cross_weights.tex", "published.tex", "further.tex", "missing.tex"),
    *(f"{table}.{kind}" for table in ("differences", "weights", "weight_changes") for kind in ("csv", "tex")),
)


class Files:
    """The names of an experiment's folders and files, relative to the folder where Snakemake runs.

    Attributes:
        results, logs: folders of the experiment.
        raw, faces: folders of the raw and of the prepared images, shared by all experiments on them.
        shards: the prepared images.
        run: folder of a run, with the wildcards `{model}` and `{seed}`.
        sampled: folder of what a sampler makes of a run, with the wildcard `{sampler}` besides.
        sampler_tables: what the rule of this name makes, but for the HTML page; none where there are no samplers.
        tables: what the rule of this name makes, but for the HTML pages.
        triangle: the picture of all weightings; there is one where the matrix has three rows.
        reference: part of the names of the reference's statistics and features.
        inception: the weights of FID's network, shared by all experiments.
    """

    inception = f"resources/inception/{inception_weights.NAME}"

    def __init__(self, config: Mapping[str, Any], rubric: Mapping[str, Any]) -> None:
        """Args: config: checked, a sweep's models in their entry's place. rubric: checked."""
        dataset, evaluation = config["dataset"], config["evaluation"]
        self.results = f"results/{config['experiment']}"
        self.logs = f"logs/{config['experiment']}"
        self.raw = f"resources/{dataset['name']}/raw"
        self.faces = f"resources/{dataset['name']}/crop{dataset['crop']}-{dataset['size']}px-{dataset['filter']}"
        count = dataset["shards"]
        self.shards = [f"{self.faces}/shard-{shard:05d}-of-{count:05d}.parquet" for shard in range(count)]
        self.run = f"{self.results}/{records.RUN_FOLDER}"
        self.sampled = f"{self.run}/{records.SAMPLER_FOLDER}"
        tables = ("samplers.csv", "samplers.tex") if config["samplers"] else ()
        self.sampler_tables = [f"{self.results}/tables/{name}" for name in tables]
        self.reference = f"{evaluation['split']}-{evaluation['features']['network']}"
        matrices = map(matrix_file, config["models"])
        published = map(published_file, rubric["published"]["tables"])
        suggested = ("remedies.csv", "remedies.tex") if remedies(config["models"]) else ()
        self.tables = [f"{self.results}/tables/{name}" for name in (*_TABLES, *suggested, *matrices, *published)]
        three_rows = len(row_keys(rubric)) == 3
        self.triangle = [f"{self.results}/figures/weights.{kind}" for kind in ("png", "pdf")] if three_rows else []

    def of_samplers(self, sampled: Iterable[tuple[str, int, str]], name: str) -> list[str]:
        """The file `name` of what samplers make of runs (model, seed, sampler)."""
        return [
            f"{self.sampled.format(model=model, seed=seed, sampler=sampler)}/{name}" for model, seed, sampler in sampled
        ]

    def of_runs(self, runs: Iterable[tuple[str, int]], *names: str) -> list[str]:
        """The files `names` of runs (model, seed), name by name."""
        runs = list(runs)
        return [f"{self.run.format(model=model, seed=seed)}/{name}" for name in names for model, seed in runs]
