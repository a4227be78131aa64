"""Writes what people and editors read about the configuration, from the schema and the options of models.

    python docs/configuration_reference.py      (or: make docs)

config/README.md gets its two tables, between comments that name this file; config/schema.json is for editors, which
complete an overlay by it. It asks for no key, because an overlay says only what it changes; planning checks the rest.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vaematrix.common.options import options, options_schema
from vaematrix.generation import samplers
from vaematrix.models import families, priors
from vaematrix.models.entry import SECTIONS

ROOT = Path(__file__).parents[1]
PAGE, EDITORS = ROOT / "config/README.md", ROOT / "config/schema.json"
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
DEFAULTS = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
FAMILIES = {name: families.load(name) for name in families.names()}
PRIORS = {name: priors.load(name) for name in priors.names()}
SAMPLERS = {name: samplers.load(name) for name in samplers.names()}


def page(text: str) -> str:
    """The page `text` with today's tables between their comments."""
    tables = {
        "keys": keys_table(),
        "options": options_table("family", FAMILIES),
        "priors": options_table("prior", PRIORS),
        "sections": options_table("section", SECTIONS),
        "samplers": options_table("sampler", SAMPLERS),
    }
    for name, table in tables.items():
        between = re.compile(
            rf"(?<=<!-- {name}: docs/configuration_reference.py -->\n).*?(?=<!-- end of {name} -->)", re.S
        )
        text = between.sub(lambda _, table=table: f"{table}\n", text)
    return text


def keys_table() -> str:
    rows = ["| key | default | values | meaning |", "|---|---|---|---|"]
    for path, schema in _keys(SCHEMA):
        default: Any = DEFAULTS
        for name in path:
            default = default[name]
        shown = "three models" if path == ("models",) else _value(default)
        rows.append(f"| `{'.'.join(path)}` | {shown} | {_values(schema)} | {schema['description']} |")
    return "\n".join(rows)


def options_table(of: str, kinds: Mapping[str, type[Any]]) -> str:
    """What each of `kinds` is and its options. Args: of: the heading of their names."""
    rows = [f"| {of} | option | default | values | meaning |", "|---|---|---|---|---|"]
    for name, kind in kinds.items():
        title = (sys.modules[kind.__module__].__doc__ or "").strip().partition("\n")[0]
        rows.append(f"| `{name}` | – | | | {_cell(title)} |")
        for option, field in options(kind).items():
            about = options_schema(kind)["properties"][option]
            rows.append(
                f"| | `{option}` | {_value(field.default)} | {_values(about)} | {_cell(about.get('description', ''))} |"
            )
    return "\n".join(rows)


def editors_schema() -> dict[str, Any]:
    """The schema without what only a whole configuration can fulfil, and with the options of families and samplers."""
    schema = _of_parts(SCHEMA)
    models = schema["properties"]["models"]
    sections = {
        name: {"type": ["object", "null"], "properties": _sweeping(kind), "additionalProperties": False}
        for name, kind in SECTIONS.items()
    }
    sections["prior"] = {
        "anyOf": [
            {"enum": [*PRIORS, None]},
            *(
                {
                    "type": "object",
                    "properties": {"kind": {"const": name}, **_sweeping(kind)},
                    "required": ["kind"],
                    "additionalProperties": False,
                }
                for name, kind in PRIORS.items()
            ),
        ]
    }
    models["additionalProperties"] = {
        "type": ["object", "null"],
        "properties": {"family": {"anyOf": [{"enum": list(FAMILIES)}, {"type": "string"}]}, **sections},
        "allOf": [
            {
                "if": {"properties": {"family": {"const": name}}, "required": ["family"]},
                "then": {
                    "properties": {"family": True, **dict.fromkeys(sections, True), **_sweeping(family)},
                    "additionalProperties": False,
                },
            }
            for name, family in FAMILIES.items()
        ],
    }
    schema["properties"]["samplers"]["items"] = {
        "type": "object",
        "properties": {"kind": {"enum": list(SAMPLERS)}, "name": True},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {
                    "properties": {"kind": True, "name": True, **options_schema(sampler)["properties"]},
                    "additionalProperties": False,
                },
            }
            for name, sampler in SAMPLERS.items()
        ],
    }
    return schema


def _keys(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from _keys(inner, (*path, name))
        else:
            yield (*path, name), inner


def _values(schema: dict[str, Any]) -> str:
    """The values that a schema allows, in words."""
    if "$ref" in schema:
        return "a name"
    if "anyOf" in schema:
        return ", ".join(map(_values, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(_value, schema["enum"]))
    if "const" in schema:
        return _value(schema["const"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = [f"list ({_values(schema['items'])})" if kind == "array" else _KINDS[kind] for kind in types]
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if schema.get(key, 2**32) < 2**32 - 1]
    return " or ".join(words) + (f", {' and '.join(bounds)}" if bounds else "")


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_KINDS = {
    "boolean": "`true`, `false`",
    "integer": "integer",
    "null": "`null`",
    "number": "number",
    "object": "section",
    "string": "text",
}


def _value(value: Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _sweeping(kind: type[Any]) -> dict[str, Any]:
    """The options of a family or a section by their names: a value, or a list of values, which sweeps."""
    return {
        name: {
            "description": about.get("description", ""),
            "default": options(kind)[name].default,
            "anyOf": [about, {"type": "array", "items": about, "minItems": 1}],
        }
        for name, about in options_schema(kind)["properties"].items()
    }


def _of_parts(schema: Any) -> Any:
    """A schema that parts of a configuration fulfil: no key is required, and none depends on another."""
    if isinstance(schema, list):
        return [_of_parts(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _of_parts(inner) for key, inner in schema.items() if key not in {"required", "allOf", "if", "then", "else"}
    }


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    EDITORS.write_text(json.dumps(editors_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
