"""The configuration checked before anything runs: what a schema cannot say, and the models that a sweep stands for."""

import copy
import importlib.util
import itertools
import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from vaematrix.common.errors import UserError
from vaematrix.common.options import options, options_schema
from vaematrix.common.schema import Mistake, Origin, check, nearest, refuse
from vaematrix.data.layout import ATTRIBUTES
from vaematrix.generation import samplers
from vaematrix.models import families, priors
from vaematrix.models.architecture import misfit, too_many_dimensions
from vaematrix.models.entry import PARTS, check_entry, sections_of

# What a model's entry cannot change, because all models of an experiment share it.
_SHARED = frozenset(
    ["widths", "latent", "epochs", "batch_size", "learning_rate", "sigma", "seeds", "threads", "size", "crop"]
)
_MOST_BYTES = 200  # of a model's name: with what stands around it, a file's name has at most 255


def check_configuration(config: dict[str, Any], schema: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Refuse a mistaken configuration, and put a sweep's models in its entry's place.

    Args:
        config: all layers merged; it is completed in place.

    Returns:
        The entries of `models` as they were written.

    Raises:
        UserError: one line for each mistake.
    """
    # An overlay leaves a model out by setting it to null.
    if isinstance(config.get("models"), dict):
        config["models"] = {name: entry for name, entry in config["models"].items() if entry is not None}
    check_replaced(config, origin)
    check(config, schema, origin)
    entries = config["models"]
    check_models(entries, origin)
    check_sizes(config, origin)
    config["models"] = plain_models(entries, origin)
    check(config, schema, origin)  # the names that a sweep made
    check_names(config["models"], origin)
    config["samplers"] = named_samplers(config["samplers"], origin)
    check_missing(config, origin)
    check_tensorboard(config, origin)
    paths = ((config["dataset"], "path"), (config["evaluation"]["features"], "weights"), (config, "rubric"))
    for section, name in paths:
        section[name] = section[name] and str(Path(section[name]).expanduser())
    return entries


def check_replaced(config: dict[str, Any], origin: Origin) -> None:
    """Name what took the place of a key of earlier versions.

    Raises:
        UserError: the configuration has one.
    """
    if isinstance(config.get("sampling"), dict) and "sampler" in config["sampling"]:
        kind = config["sampling"]["sampler"]
        further = f"; for {kind} beside it, write `samplers: [{{kind: {kind}}}]`" if kind != "prior" else ""
        refuse([(("sampling", "sampler"), f"is gone: the prior is always measured{further}")], origin)


def check_models(entries: dict[str, dict[str, Any]], origin: Origin) -> None:
    """Hold each model's entry against the names of families and of their options.

    Raises:
        UserError: an unknown family or option, or a family whose file is broken.
    """
    mistakes: list[Mistake] = []
    for name, entry in entries.items():
        path, family = ("models", name), entry["family"]
        if family not in families.names():
            hint = nearest(family, families.names())
            mistakes.append(((*path, "family"), f"{family!r} is no file in vaematrix/models/families{hint}"))
            continue
        kind = priors.section(entry.get("prior")).get("kind")
        if kind not in priors.names():
            known_priors = f"{nearest(str(kind), priors.names())}" if kind else "; write its `kind`"
            mistakes.append(((*path, "prior"), f"{kind!r} is no file in vaematrix/models/priors{known_priors}"))
        known = options(families.load(family))
        for key in entry.keys() - known.keys() - PARTS:
            shared = " (network and training settings are shared by all models)" if key in _SHARED else ""
            mistakes.append(
                (
                    (*path, key),
                    f"is not an option of the family {family}{shared}{nearest(str(key), [*known, *PARTS])}",
                )
            )
    refuse(mistakes, origin)


def plain_models(entries: dict[str, dict[str, Any]], origin: Origin) -> dict[str, dict[str, Any]]:
    """The models that the entries stand for: an option given as a list sweeps over its values.

    `b: {family: beta_vae, beta: [1, 2]}` stands for the models `b-beta-1` and `b-beta-2`, several lists for their
    product; a list in a section, `adversary: {weight: [0.1, 0.2]}`, for `b-adversary-weight-0.1` and its like. Where an
    option's own type is a list, its list is a value like any other. A section that is null is none.

    Args:
        entries: what :func:`check_models` accepts.

    Raises:
        UserError: a list is empty or repeats a value, two models would share a name, or a family refuses a value.
    """
    mistakes: list[Mistake] = []
    faults, plain = [], {}
    for name, entry in entries.items():
        path = ("models", name)
        swept = _swept(entry)
        for key, values in swept.items():
            if len(set(map(_word, values))) < len(values):
                mistakes.append(((*path, *key), f"{values!r} repeats a value"))
            if not values:
                mistakes.append(((*path, *key), "is an empty list; a sweep needs one value or more"))
        for model, plain_entry in models_of(name, entry).items():
            if swept and (model in entries or model in plain):
                mistakes.append((path, f"sweeps over {model!r}, which is another model's name; rename one"))
            plain[model] = plain_entry
            try:
                check_entry(plain_entry, origin, path)
            except UserError as error:
                faults += str(error).splitlines()
    refuse(mistakes, origin)
    if faults:
        raise UserError("\n".join(dict.fromkeys(faults)))
    return plain


def models_of(name: str, entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models that one entry stands for, by their names: itself, or one for each choice of a sweep's values."""
    swept = _swept(entry)
    entry = {key: value for key, value in entry.items() if value is not None or key not in PARTS}
    models = {}
    for values in itertools.product(*swept.values()):
        chosen = dict(zip(swept, values, strict=True))
        model = "-".join([name, *("-".join([*key, _word(value)]) for key, value in chosen.items())])
        models[model] = _filled(entry, chosen)
    return models


def named_samplers(entries: list[dict[str, Any]], origin: Origin) -> list[dict[str, Any]]:
    """The entries of `samplers`, each with its name, which is the kind where none is given.

    Raises:
        UserError: an unknown kind or option, a value out of bounds, or a name that is taken.
    """
    mistakes: list[Mistake] = []
    named: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        path, kind, name = ("samplers", number), entry["kind"], entry.get("name", entry["kind"])
        if "prior" in (kind, name):
            mistakes.append((path, "is the prior, which is always measured; leave it out"))
        elif kind not in samplers.names():
            hint = nearest(kind, samplers.names())
            mistakes.append(((*path, "kind"), f"{kind!r} is no file in vaematrix/generation/samplers{hint}"))
        elif name in [other["name"] for other in named]:
            mistakes.append((path, f"is called {name!r}, as another is; give it another `name`"))
        else:
            samplers.create(kind, sampler_options(entry), origin, path)
            named.append({"name": name, **entry})
    refuse(mistakes, origin)
    return named


def sampler_options(entry: dict[str, Any]) -> dict[str, Any]:
    """What an entry of `samplers` says beside its kind and name."""
    return {key: value for key, value in entry.items() if key not in ("kind", "name")}


def check_names(names: Iterable[str], origin: Origin) -> None:
    """Hold the models' names against what a file system and Snakemake take as a part of a file's name.

    Raises:
        UserError: a name is too long in UTF-8, or repeats a part so often that Snakemake takes it for an endless loop.
    """
    mistakes = []
    for name in names:
        if (size := len(name.encode())) > _MOST_BYTES:
            mistakes.append(
                (
                    ("models", name),
                    f"has {size} bytes in UTF-8, and files are named after it; use at most {_MOST_BYTES}",
                )
            )
        if re.search(r"(.+)\1{19}$", name):
            mistakes.append((("models", name), "ends in 20 repetitions of a part, which Snakemake refuses; rename it"))
    refuse(mistakes, origin)


def check_attributes(config: dict[str, Any], attributes: Collection[str], origin: Origin) -> None:
    """Hold what is asked of attributes against those that the dataset has.

    CelebA's own attributes may be asked for of any dataset, and are left out where it lacks them.

    Args:
        attributes: the dataset's.

    Raises:
        UserError: `figures.attributes` has a name that is neither the dataset's nor CelebA's, or there is a conditional
            model and there are no attributes.
    """
    known = dict.fromkeys([*attributes, *ATTRIBUTES])
    mistakes: list[Mistake] = [
        (("figures", "attributes", number), f"{name!r} is no attribute of the dataset{nearest(name, known)}")
        for number, name in enumerate(config["figures"]["attributes"])
        if name not in known
    ]
    for name, entry in config["models"].items() if not attributes else ():
        if families.load(entry["family"]).conditional:
            mistakes.append(
                (("models", name), "is conditioned on attributes, and the dataset has none; set it to null")
            )
    refuse(mistakes, origin)


def check_sizes(config: dict[str, Any], origin: Origin) -> None:
    """Hold settings of the images and the network against each other.

    Raises:
        UserError: a crop larger than the images, or a size that the network cannot halve as often as it has stages.
    """
    dataset = config["dataset"]
    mistakes: list[Mistake] = []
    if dataset["image_size"] and dataset["crop"] > min(dataset["image_size"]):
        width, height = dataset["image_size"]
        text = f"has a crop of {dataset['crop']}, which does not fit into its image_size of {width}x{height} pixels"
        mistakes.append((("dataset",), text))
    if unhalved := misfit(dataset["size"], config["network"]["widths"]):
        mistakes.append((("network", "widths"), unhalved))
    refuse(mistakes, origin)


def check_training_images(config: dict[str, Any], count: int, origin: Origin) -> None:
    """Hold what needs many training images against how many there will be, if no image is skipped.

    Args:
        count: the training split's size; 0 is for the index to refuse, which names file and line.

    Raises:
        UserError: fewer images than the latent has dimensions, or than a batch.
    """
    mistakes = []
    if count and (fault := too_many_dimensions(config["network"]["latent"], count)):
        mistakes.append((("network", "latent"), fault))
    if 0 < count < (batch := config["training"]["batch_size"]):
        mistakes.append((("training", "batch_size"), f"{batch} exceeds the {count} images of the training split."))
    refuse(mistakes, origin)


def check_missing(config: dict[str, Any], origin: Origin) -> None:
    """Hold the runs to do without against those that there would be.

    Raises:
        UserError: `missing` names another model, seed or sampler than the configuration has.
    """
    known = {
        "model": list(config["models"]),
        "seed": config["training"]["seeds"],
        "sampler": [entry["name"] for entry in config["samplers"]],
    }
    mistakes = [
        (
            ("missing", number, name),
            f"{run[name]!r} is not a {name} here{nearest(str(run[name]), map(str, known[name]))}",
        )
        for number, run in enumerate(config["missing"])
        for name in known
        if name in run and run[name] not in known[name]
    ]
    refuse(mistakes, origin)


def check_tensorboard(config: dict[str, Any], origin: Origin) -> None:
    """Refuse event files that nothing here can write.

    Raises:
        UserError: `training.tensorboard` is on and the package is not installed.
    """
    if config["training"]["tensorboard"] and importlib.util.find_spec("tensorboard") is None:
        advice = "needs the package tensorboard, which is not installed: `.venv/bin/pip install tensorboard`, or false"
        refuse([(("training", "tensorboard"), advice)], origin)


def _swept(entry: dict[str, Any]) -> dict[tuple[str, ...], list[Any]]:
    """The options that an entry gives as lists of values, by their paths in it.

    They are in the order in which they are declared, so that no edit renames a model.
    """
    places: dict[tuple[str, ...], tuple[Mapping[str, Any], type[Any]]] = {(): (entry, families.load(entry["family"]))}
    places |= {(name,): section for name, section in sections_of(entry).items()}
    return {
        (*path, key): values[key]
        for path, (values, kind) in places.items()
        for key, schema in options_schema(kind)["properties"].items()
        if isinstance(values.get(key), list) and "array" not in schema.get("type", ())
    }


def _filled(entry: dict[str, Any], values: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """The entry with values at paths in it."""
    entry = copy.deepcopy(entry)
    for (*sections, key), value in values.items():
        place = entry
        for section in sections:
            place = place[section]
        place[key] = value
    return entry


def _word(value: Any) -> str:
    """A value as a part of a model's name: `4`, also for 4.0, `0.5`, `imq`, `true`, `null`."""
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
