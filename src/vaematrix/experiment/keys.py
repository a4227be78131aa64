"""What each result depends on, as one table, and the keys that follow from it and decide what reruns.

A result's key hashes the settings it reads, the code that makes it and the keys of what it is made from. Rules pass
keys as params, and Snakemake compares params: a job reruns exactly when one of these changed. What was touched, copied
or checked out anew reruns nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vaematrix.experiment.code_hash import LIBRARY, code_hash
from vaematrix.models import priors

TEMPLATES = LIBRARY / "reporting/templates"

INTERVALS = ("evaluation.confidence", "evaluation.resamples")
# Of the section `training`: what a training depends on.
SHARED_TRAINING = ("epochs", "batch_size", "learning_rate", "warmup", "decay", "average", "flip", "whiten", "sigma")
RUNS = ("training.seeds", "missing")
METRICS = ("metrics/reconstruction/*.py", "metrics/features/{features}.py")


@dataclass(frozen=True)
class Made:
    """What makes a result.

    Attributes:
        script: the entry script in workflow/scripts; its code is followed as far as it can reach.
        after: the results that it is made from.
        settings: paths in the configuration, such as `evaluation.split`; `{model}` stands for the model's name.
        modules: modules that the code finds by name, as patterns of files in the library; `{family}` stands for the
            model's family, `{prior}` for its prior, `{features}` for the feature network.
        templates: files that are filled in.
        of_model: whether there is one for each model. A result of the experiment that is made from those of models is
            made from all of them.
    """

    script: str
    after: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    of_model: bool = False


RESULTS: Mapping[str, Made] = {
    "index": Made("index_faces.py", after=("source",)),
    "shards": Made(
        "build_shard.py",
        after=("index",),
        settings=tuple(f"dataset.{name}" for name in ("image_size", "crop", "size", "filter", "on_bad_image")),
    ),
    "summary": Made("summarise_dataset.py", after=("shards",)),
    "run": Made(
        "train.py",
        after=("shards",),
        settings=("network", *(f"training.{name}" for name in SHARED_TRAINING), "models.{model}"),
        modules=("models/families/{family}.py", "models/priors/{prior}.py"),
        of_model=True,
    ),
    "generation": Made("generate.py", after=("run",), settings=("sampling", "evaluation.split"), of_model=True),
    "reference": Made(
        "reference_statistics.py",
        after=("shards",),
        settings=("evaluation.split", "evaluation.features.network"),
        modules=("metrics/features/{features}.py",),
    ),
    "judge": Made("attribute_judge.py", after=("shards",), settings=("evaluation.split",)),
    "evaluation": Made(
        "evaluate.py",
        after=("generation", "reference", "judge"),
        settings=INTERVALS,
        modules=METRICS,
        of_model=True,
    ),
    "floors": Made(
        "floors.py",
        after=("reference",),
        settings=("network.latent", "evaluation.split", *INTERVALS),
        modules=METRICS,
    ),
    "pictures": Made("run_figures.py", after=("evaluation",), settings=("figures",), of_model=True),
    "figures": Made("experiment_figures.py", after=("evaluation",), settings=RUNS),
    "tables": Made(
        "make_tables.py",
        after=("evaluation", "floors", "rubric"),
        settings=RUNS,
        templates=("base.html.jinja", "page.html.jinja"),
    ),
    "triangle": Made("weight_triangle.py", after=("evaluation", "rubric"), settings=RUNS),
    "run_index": Made(
        "index_runs.py", after=("evaluation",), settings=RUNS, templates=("base.html.jinja", "runs.html.jinja")
    ),
    "report": Made(
        "make_report.py",
        after=("tables", "summary", "pictures", "figures"),
        templates=("report.tex.jinja", "captions.yaml"),
    ),
    "pdf": Made("compile_report.py", after=("report",)),
}


def digest(*parts: Any) -> str:
    """A short hash of plain values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def source_key(dataset: Mapping[str, Any], script_file: Callable[[str], Path], fingerprint: str) -> str:
    """What the raw faces are.

    Args:
        dataset: the configuration's section.
        script_file: gives an entry script by its name.
        fingerprint: of a path of the user's own, from :func:`vaematrix.data.fingerprint.fingerprint`.
    """
    match dataset["source"]:
        case "path":
            return fingerprint
        case "drawn":
            return digest(dataset["count"], dataset["seed"], _code(script_file("draw_faces.py")))
        case _:
            return str(dataset["source"])


class Keys:
    """The keys of one experiment's results."""

    def __init__(self, config: Mapping[str, Any], given: Mapping[str, str], script_file: Callable[[str], Path]) -> None:
        """Keys are worked out when they are asked for, each once.

        Args:
            config: the checked configuration, a sweep's models in their entry's place.
            given: keys of what no rule of the table makes: `source` (the raw faces) and `rubric`.
            script_file: gives an entry script by its name.
        """
        self.config, self.given, self.script_file = config, given, script_file
        self._known: dict[tuple[str, str | None], str] = {}

    def of(self, result: str, model: str | None = None) -> str:
        """The key of a result in :data:`RESULTS` or of what was given; `model` says whose, where each model has one."""
        if result in self.given:
            return self.given[result]
        if (result, model) not in self._known:
            made = RESULTS[result]
            before = [self._before(earlier, model) for earlier in made.after]
            settings = [setting(self.config, path, model) for path in made.settings]
            templates = [(TEMPLATES / name).read_text(encoding="utf-8") for name in made.templates]
            self._known[result, model] = digest(before, settings, self.code(result, model), templates)
        return self._known[result, model]

    def _before(self, result: str, model: str | None) -> str | dict[str, str]:
        """The key of what a result of `model` is made from; the keys of all models for a result of the experiment."""
        if result not in RESULTS or not RESULTS[result].of_model:
            return self.of(result)
        return self.of(result, model) if model else {name: self.of(result, name) for name in self.config["models"]}

    def code(self, result: str, model: str | None = None) -> str:
        """The hash of the code that makes a result."""
        made = RESULTS[result]
        entry = self.config["models"][model] if model else {"family": ""}
        names = {
            "family": entry["family"],
            "prior": priors.section(entry.get("prior"))["kind"],
            "features": self.config["evaluation"]["features"]["network"],
        }
        files = [file for pattern in made.modules for file in sorted(LIBRARY.glob(pattern.format(**names)))]
        return _code(self.script_file(made.script), *map(module_of, files))


_code = cache(code_hash)


def module_of(file: Path) -> str:
    """The dotted name of a file of the library."""
    return ".".join((LIBRARY.name, *file.relative_to(LIBRARY).with_suffix("").parts))


def setting(config: Mapping[str, Any], path: str, model: str | None = None) -> Any:
    """The value at a path such as `evaluation.split`, where `{model}` stands for a model's name."""
    value: Any = config
    for name in path.split("."):
        value = value[model if name == "{model}" else name]
    return value
