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
        of_sampler: whether there is one for each model and sampler; `{sampler}` in settings stands for the sampler's
            name, and `{kind}` in modules for its kind.
    """

    script: str
    after: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    of_model: bool = False
    of_sampler: bool = False


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
    "sampler": Made(
        "fit_sampler.py",
        after=("generation",),
        settings=("samplers.{sampler}",),
        modules=("generation/samplers/{kind}.py",),
        of_model=True,
        of_sampler=True,
    ),
    "samples": Made(
        "sample.py",
        after=("sampler",),
        modules=("generation/samplers/{kind}.py",),
        of_model=True,
        of_sampler=True,
    ),
    "sampler_evaluation": Made(
        "evaluate_sampler.py",
        after=("samples", "reference", "judge"),
        settings=("evaluation.confidence",),
        modules=("metrics/features/{features}.py",),
        of_model=True,
        of_sampler=True,
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
    "sampler_tables": Made(
        "sampler_tables.py",
        after=("evaluation", "sampler_evaluation", "rubric"),
        settings=RUNS,
        templates=("base.html.jinja", "page.html.jinja"),
    ),
    "sampler_figures": Made("sampler_figures.py", after=("generation", "sampler_evaluation"), settings=RUNS),
    "triangle": Made("weight_triangle.py", after=("evaluation", "rubric"), settings=RUNS),
    "run_index": Made(
        "index_runs.py", after=("evaluation",), settings=RUNS, templates=("base.html.jinja", "runs.html.jinja")
    ),
    "report": Made(
        "make_report.py",
        after=("tables", "sampler_tables", "summary", "pictures", "figures", "sampler_figures"),
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
        self._known: dict[tuple[str, str | None, str | None], str] = {}

    def of(self, result: str, model: str | None = None, sampler: str | None = None) -> str:
        """The key of a result in :data:`RESULTS` or of what was given.

        Args:
            model, sampler: whose, where each model, or each sampler of a model, has one.
        """
        if result in self.given:
            return self.given[result]
        known = (result, model, sampler)
        if known not in self._known:
            made = RESULTS[result]
            before = [self._before(earlier, model, sampler) for earlier in made.after]
            settings = [setting(self.config, path, model, sampler) for path in made.settings]
            templates = [(TEMPLATES / name).read_text(encoding="utf-8") for name in made.templates]
            self._known[known] = digest(before, settings, self.code(result, model, sampler), templates)
        return self._known[known]

    def _before(self, result: str, model: str | None, sampler: str | None) -> Any:
        """The key of what a result is made from; those of all models or samplers where it is of no single one."""
        if result not in RESULTS or not RESULTS[result].of_model:
            return self.of(result)
        if model is None:
            return {name: self._before(result, name, None) for name in self.config["models"]}
        if not RESULTS[result].of_sampler:
            return self.of(result, model)
        if sampler is None:
            return {entry["name"]: self.of(result, model, entry["name"]) for entry in self.config["samplers"]}
        return self.of(result, model, sampler)

    def code(self, result: str, model: str | None = None, sampler: str | None = None) -> str:
        """The hash of the code that makes a result."""
        made = RESULTS[result]
        entry = self.config["models"][model] if model else {"family": ""}
        names = {
            "family": entry["family"],
            "prior": priors.section(entry.get("prior"))["kind"],
            "kind": setting(self.config, "samplers.{sampler}", sampler=sampler)["kind"] if sampler else "",
            "features": self.config["evaluation"]["features"]["network"],
        }
        files = [file for pattern in made.modules for file in sorted(LIBRARY.glob(pattern.format(**names)))]
        return _code(self.script_file(made.script), *map(module_of, files))


_code = cache(code_hash)


def module_of(file: Path) -> str:
    """The dotted name of a file of the library."""
    return ".".join((LIBRARY.name, *file.relative_to(LIBRARY).with_suffix("").parts))


def setting(config: Mapping[str, Any], path: str, model: str | None = None, sampler: str | None = None) -> Any:
    """The value at a path such as `evaluation.split`, where `{model}` and `{sampler}` stand for their names."""
    value: Any = config
    for name in path.split("."):
        if name == "{sampler}":
            value = next(entry for entry in value if entry["name"] == sampler)
        else:
            value = value[model if name == "{model}" else name]
    return value
