"""Values held against a JSON schema: one line for each mistake, with the key, its file, what is wrong and the fix."""

import difflib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from vaematrix.common.errors import UserError

KeyPath = Sequence[str | int]  # of a key: the names and numbers that lead to it
Mistake = tuple[KeyPath, str]  # what is wrong with a key, and the fix
Origin = str | Callable[[KeyPath], str]  # the file that a value was read from, or what tells it from the path of a key


def check(value: Any, schema: dict[str, Any], origin: Origin, at: KeyPath = ()) -> None:
    """Hold `value` against a JSON schema. Unlike JSON's, an integer here is no 1.0.

    Args:
        origin: where `value` was read from.
        at: the path of `value` itself there.

    Raises:
        UserError: one line for each mistake.
    """
    errors = sorted(_validator()(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    mistakes = [mistake for error in errors for mistake in _describe(error)]
    mistakes += [(path, f"{number} is not a finite number") for path, number in _not_finite(value)]
    refuse([((*at, *path), text) for path, text in mistakes], origin)


def refuse(mistakes: Iterable[Mistake], origin: Origin) -> None:
    """Raise a UserError with a line for each of the mistakes, if any."""
    file = origin if callable(origin) else lambda _path: origin
    lines = dict.fromkeys(f"{file(path)}: {_dotted(path)} {text}" for path, text in mistakes)
    if lines:
        raise UserError("\n".join(line if line.endswith(("?", ".")) else f"{line}." for line in lines))


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint at what was probably meant, to end a message with."""
    known = list(words)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}" if known else "; it has none"


@cache
def _validator() -> Any:
    """The class of jsonschema's validator for which 1.0 is no integer."""
    from jsonschema import Draft202012Validator, validators

    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, number: isinstance(number, int) and not isinstance(number, bool)
    )
    return validators.extend(Draft202012Validator, type_checker=whole)


def _describe(error: Any) -> list[Mistake]:
    """What one error of jsonschema says of its key or keys.

    A schema's `reason` says why a rule is there, and ends the message; its `description` says what a key means, and is
    for the documentation and for editors.
    """
    path, value, rule = tuple(error.absolute_path), error.instance, error.validator_value
    reason = f": {error.schema['reason']}" if "reason" in error.schema else ""
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            return [((*path, key), f"is not a key here{nearest(str(key), known)}") for key in value if key not in known]
        case "required":
            missing = next(key for key in rule if key not in value)
            return [((*path, missing), "is missing")]
        case "enum" | "const":
            choices = list(map(str, rule if error.validator == "enum" else [rule]))
            close = difflib.get_close_matches(str(value), choices, n=1)
            note = f" ({error.schema['reason']})" if "reason" in error.schema else ""
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return [(path, f"{value!r} is not one of {', '.join(choices)}{note}{hint}")]
        case "type" if value is None and not path:
            return [(path, "is empty")]
        case "type":
            return [(path, f"{_yaml(value)} is not {_in_words(rule)}{_number_hint(value, rule)}{reason}")]
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            relations = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
            return [(path, f"{value!r} must be {relations.get(error.validator, 'below')} {rule}{reason}")]
        case "minItems" | "minProperties":
            return [(path, f"needs at least {rule} entries, and has {len(value)}")]
        case "maxItems":
            return [(path, f"takes at most {rule} entries, and has {len(value)}")]
        case "minLength":
            return [(path, f"is empty{reason}")]
        case "maxLength":
            return [(path, f"{value!r} is longer than {rule} characters")]
        case "uniqueItems":
            return [(path, f"{value!r} repeats an entry")]
        case "pattern":
            return [(path, f"{value!r} must be {error.schema.get('description', f'of the form {rule}')}")]
        case "not":
            return [(path, f"{value!r} is taken, like {', '.join(rule['enum'])}; choose another")]
        case "anyOf":
            out_of_bounds = [inner for inner in error.context if inner.validator not in ("type", "const", "enum")]
            if out_of_bounds:
                return [mistake for inner in out_of_bounds for mistake in _describe(inner)]
            kinds = [branch.get("const", branch.get("type")) for branch in rule]
            named = [kind if isinstance(kind, str) and kind not in _KINDS else _in_words(kind) for kind in kinds]
            return [(path, f"{_yaml(value)} is none of: {', '.join(named)}{_number_hint(value, kinds)}")]
    return [(path, error.message)]


def _not_finite(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[KeyPath, float]]:
    """YAML's .nan and .inf, which pass every comparison of a schema or none."""
    if isinstance(value, float) and not math.isfinite(value):
        return [(path, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in _not_finite(inner, (*path, key))]


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path)) or "the file"


def _yaml(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)


_KINDS = {
    "object": "a section",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
}


def _in_words(types: Any) -> str:
    return " or ".join(_KINDS.get(kind, str(kind)) for kind in (types if isinstance(types, list) else [types]))


def _number_hint(value: Any, types: Any) -> str:
    """How to write what was meant: YAML reads 1e-3 as text and wants 1.0e-3; 8.0 is no whole number, but 8 is."""
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return f" (write {int(value)})"
    if isinstance(value, str) and ("number" in types or "integer" in types):
        try:
            return f" (YAML takes it as text; write {_with_point(float(value))})"
        except ValueError:
            pass
    return ""


def _with_point(number: float) -> str:
    """YAML wants a point in a number with an exponent: 1.0e-30."""
    mantissa, exponent, power = repr(number).partition("e")
    return f"{mantissa}.0{exponent}{power}" if exponent and "." not in mantissa else repr(number)
