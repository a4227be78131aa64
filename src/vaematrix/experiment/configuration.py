"""The configuration checked: one line for each mistake, with the key, the file and the fix."""

import ast
import difflib
import importlib.util
import itertools
import json
import keyword
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from vaematrix import models
from vaematrix.common.errors import UserError

Origin = str | Callable[[Sequence[str | int]], str]


def check(value: Any, schema: dict[str, Any], origin: Origin) -> None:
    """Hold `value` against a JSON schema.

    Args:
        origin: the file that `value` was read from, or a function from the path of a key to the file that sets it.

    Raises:
        UserError: one line for each mistake.
    """
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    lines = [line for error in errors for line in _describe(error)]
    lines += [(path, f"{number} is not a finite number") for path, number in _not_finite(value)]
    _refuse(lines, origin)


def check_models(entries: dict[str, dict[str, Any]], origin: Origin) -> None:
    """Hold each model's entry against the options of its family, read from the family's file without importing it.

    Of an option that sweeps, see :func:`plain_models`, each value is checked.

    Raises:
        UserError: an unknown family, an unknown option or a value of the wrong type.
    """
    lines = []
    for name, entry in entries.items():
        path = ("models", name)
        if entry["family"] not in models.families():
            hint = nearest(entry["family"], models.families())
            lines.append(((*path, "family"), f"no file src/vaematrix/models/{entry['family']}.py{hint}"))
            continue
        options = model_options(entry["family"])
        for key, value in entry.items():
            if key == "family":
                continue
            if key not in options:
                shared = " (network and training settings are shared by all models)" if key in _SHARED else ""
                hint = nearest(key, options)
                lines.append(((*path, key), f"is not an option of the family {entry['family']}{shared}{hint}"))
                continue
            values = value if _sweeps(value, options[key]) else [value]
            wrong = [one for one in values if not _fits(one, options[key])]
            lines += [((*path, key), f"{one!r} is not {_in_words(options[key])}") for one in wrong]
    _refuse(lines, origin)


def plain_models(entries: dict[str, dict[str, Any]], origin: Origin) -> dict[str, dict[str, Any]]:
    """The models that the entries stand for: an option given as a list sweeps over its values.

    `b: {family: beta_vae, beta: [1, 2]}` stands for the models `b-beta-1` and `b-beta-2`, several lists for their
    product. Where an option's own type is a list, its list is a value like any other.

    Args:
        entries: what :func:`check_models` accepts.

    Raises:
        UserError: a list is empty or repeats a value, or two models would share a name.
    """
    lines, plain = [], {}
    for name, entry in entries.items():
        options = model_options(entry["family"])
        # In the family's order, so that a name does not change with the order of an entry's lines.
        swept = {
            key: {_word(one): one for one in entry[key]}
            for key in options
            if key in entry and _sweeps(entry[key], options[key])
        }
        for key, values in swept.items():
            if len(values) < len(entry[key]):
                lines.append((("models", name, key), f"{entry[key]!r} repeats a value"))
            if not values:
                lines.append((("models", name, key), "is an empty list; a sweep needs one value or more"))
        for words in itertools.product(*swept.values()):
            chosen = dict(zip(swept, words, strict=True))
            model = "-".join([name, *(f"{key}-{word}" for key, word in chosen.items())])
            if swept and (model in entries or model in plain):
                lines.append((("models", name), f"sweeps over {model!r}, which is another model's name; rename one"))
            plain[model] = entry | {key: swept[key][word] for key, word in chosen.items()}
    _refuse(lines, origin)
    return plain


def check_sizes(config: dict[str, Any], origin: Origin) -> None:
    """Hold settings of the images and the network against each other.

    Raises:
        UserError: a crop larger than the images, or a size that the network cannot halve as often as it has stages.
    """
    dataset, stages = config["dataset"], len(config["network"]["widths"])
    lines = []
    if dataset["image_size"] and dataset["crop"] > min(dataset["image_size"]):
        width, height = dataset["image_size"]
        lines.append((("dataset", "crop"), f"{dataset['crop']} does not fit into images of {width}x{height} pixels"))
    if dataset["size"] % 2**stages:
        fault = f"has {stages} stages, each of which halves the image: dataset.size {dataset['size']} is no multiple of"
        lines.append((("network", "widths"), f"{fault} {2**stages}"))
    _refuse(lines, origin)


def check_missing(config: dict[str, Any], origin: Origin) -> None:
    """Hold the runs to do without against those that there would be.

    Raises:
        UserError: `missing` names another model or seed than the configuration has.
    """
    known = {"model": config["models"], "seed": config["training"]["seeds"]}
    lines = [
        (
            ("missing", number, name),
            f"{run[name]!r} is not a {name} here{nearest(str(run[name]), map(str, known[name]))}",
        )
        for number, run in enumerate(config["missing"])
        for name in known
        if run[name] not in known[name]
    ]
    _refuse(lines, origin)


def check_tensorboard(config: dict[str, Any], origin: Origin) -> None:
    """Refuse event files that nothing here can write.

    Raises:
        UserError: `training.tensorboard` is on and the package is not installed.
    """
    if config["training"]["tensorboard"] and importlib.util.find_spec("tensorboard") is None:
        advice = "needs the package tensorboard, which is not installed: `.venv/bin/pip install tensorboard`, or false"
        _refuse([(("training", "tensorboard"), advice)], origin)


@cache
def model_options(family: str) -> dict[str, ast.expr]:
    """The options of a family and their annotations: the keyword-only arguments of its class's `__init__`."""
    path = Path(models.__file__).with_name(f"{family}.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            # An option named like a Python keyword (lambda) carries an underscore in the code.
            names = [
                (a.arg.removesuffix("_") if keyword.iskeyword(a.arg[:-1]) else a.arg) for a in node.args.kwonlyargs
            ]
            return {name: a.annotation for name, a in zip(names, node.args.kwonlyargs, strict=True)}
    return {}


_SHARED = frozenset(
    ["widths", "latent", "epochs", "batch_size", "learning_rate", "sigma", "seeds", "threads", "size", "crop"]
)


def _describe(error: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """(path of the key, what is wrong and the fix) for one error of jsonschema."""
    path, value, rule = tuple(error.absolute_path), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            return [((*path, key), f"is not a key here{nearest(key, known)}") for key in value if key not in known]
        case "required":
            return [((*path, key), "is missing") for key in rule if key not in value][:1]
        case "enum":
            close = difflib.get_close_matches(str(value), map(str, rule), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            note = f" ({error.schema['description']})" if "description" in error.schema else ""
            return [(path, f"{value!r} is not one of {', '.join(map(str, rule))}{note}{hint}")]
        case "type":
            reason = f": {error.schema['description']}" if "description" in error.schema else ""
            return [(path, f"{_yaml(value)} is not {_join(rule)}{_number_hint(value, rule)}{reason}")]
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            relation = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
            return [(path, f"{value!r} must be {relation.get(error.validator, 'below')} {rule}")]
        case "minItems" | "minProperties":
            return [(path, f"needs at least {rule} entries, and has {len(value)}")]
        case "maxLength":
            return [(path, f"{value!r} is longer than {rule} characters")]
        case "uniqueItems":
            return [(path, f"{value!r} repeats an entry")]
        case "pattern" | "not":
            described = error.schema.get("description", f"of the form {rule}")
            reserved = f" (taken: {', '.join(rule['enum'])})" if error.validator == "not" else ""
            return [(path, f"{value!r} must be {described}{reserved}")]
        case "anyOf":
            return [(path, f"{value!r} is none of: {', '.join(_join(r.get('const', r.get('type'))) for r in rule)}")]
    return [(path, error.message)]


def _not_finite(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], float]]:
    """YAML's .nan and .inf, which pass every comparison of a schema or none."""
    if isinstance(value, float) and not math.isfinite(value):
        return [(path, value)]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in inner for found in _not_finite(one, (*path, key))]


def _refuse(lines: list[tuple[Sequence[str | int], str]], origin: Origin) -> None:
    if lines:
        file = origin if callable(origin) else lambda _path: origin
        said = (f"{file(path)}: {_dotted(path)} {text}" for path, text in lines)
        raise UserError("\n".join(line if line.endswith(("?", ".")) else f"{line}." for line in said))


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path)) or "the file"


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint at what was probably meant, to end a message with."""
    known = list(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}" if known else "; it has none"


def _yaml(value: Any) -> str:
    return "null" if value is None else repr(value)


_KINDS = {
    "object": "a section",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
}


def _join(types: Any) -> str:
    return " or ".join(_KINDS.get(kind, str(kind)) for kind in (types if isinstance(types, list) else [types]))


def _number_hint(value: Any, types: Any) -> str:
    """YAML reads 1e-3 as text: it wants 1.0e-3."""
    if isinstance(value, str) and ("number" in types or "integer" in types):
        try:
            return f" (YAML takes it as text; write {float(value)!r})"
        except ValueError:
            pass
    return ""


def _sweeps(value: Any, annotation: ast.expr) -> bool:
    """Whether `value` is a list of values for an option that takes one of them."""
    lists = ("list", "tuple", "Sequence")
    return isinstance(value, list) and not any(getattr(part, "id", None) in lists for part in ast.walk(annotation))


def _word(value: Any) -> str:
    """A value as a part of a model's name: `4`, also for 4.0, `0.5`, `imq`, `true`, `null`."""
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")


def _fits(value: Any, annotation: ast.expr) -> bool:
    match annotation:
        case ast.BinOp(left=left, right=right):
            return _fits(value, left) or _fits(value, right)
        case ast.Constant(value=None):
            return value is None
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            return value in ast.literal_eval(choices)
        case ast.Name(id="float"):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.Name(id="int"):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.Name(id="bool"):
            return isinstance(value, bool)
        case ast.Name(id="str"):
            return isinstance(value, str)
    return True


def _in_words(annotation: ast.expr) -> str:
    match annotation:
        case ast.BinOp(left=left, right=right):
            return f"{_in_words(left)} or {_in_words(right)}"
        case ast.Constant(value=None):
            return "null"
        case ast.Subscript(slice=choices):
            return "one of " + ", ".join(map(str, ast.literal_eval(choices)))
        case ast.Name(id="float"):
            return "a number (with a decimal point where it has an exponent: 1.0e-3)"
        case ast.Name(id="int"):
            return "a whole number"
        case ast.Name(id="bool"):
            return "true or false"
    return "text"
