"""Things of one kind, one file each, found by being there: families, samplers and what else a config names by its file.

Each file holds one frozen dataclass derived from the kind's base; its fields are the options of an entry in the config.
Options are checked whenever the Snakefile is read, so what these files need to import is imported in their methods.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from vaematrix.common.errors import UserError
from vaematrix.common.schema import KeyPath, Origin, check, refuse

Base = TypeVar("Base")


def option(default: Any, description: str, **bounds: Any) -> Any:
    """A field with what it means and JSON schema's bounds, such as `minimum` or `exclusiveMinimum`."""
    return field(default=default, metadata={"description": description, **bounds})


def options(kind: type[Any]) -> dict[str, Field[Any]]:
    """The fields of a dataclass by the names they have in the config: `lambda`, where Python makes it `lambda_`."""
    return {field.name.removesuffix("_"): field for field in fields(kind)}


def chosen_options(of: Any) -> dict[str, Any]:
    """The values of a dataclass's options by the names that they have in the config."""
    return {name: getattr(of, field.name) for name, field in options(type(of)).items()}


def options_schema(kind: type[Any]) -> dict[str, Any]:
    """The JSON schema of a dataclass's options.

    Raises:
        UserError: a field has a type that no schema says.
    """
    types_of = get_type_hints(kind)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _type_schema(types_of[field.name]) | dict(field.metadata) for name, field in options(kind).items()
        },
        "required": [
            name for name, field in options(kind).items() if field.default is field.default_factory is MISSING
        ],
    }


def filled(kind: type[Base], values: Mapping[str, Any], origin: Origin, at: KeyPath) -> Base:
    """A dataclass of options with values by the names that they have in the config.

    Args:
        origin: the file that the values stand in, for messages. at: their path there.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    check(values, options_schema(kind), origin, at)
    try:
        return kind(**{options(kind)[option].name: value for option, value in values.items()})
    except UserError as error:
        refuse([(at, str(error))], origin)
        raise


class Kinds(Generic[Base]):
    """The classes in a package that has one file for each, named like the file in the config."""

    def __init__(self, package: str, base: type[Base]) -> None:
        """Args: package: its dotted name; it calls this while it is imported. base: what its classes derive from."""
        self.package, self.base = package, base
        self._loaded: dict[str, type[Base]] = {}

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return Path(sys.modules[self.package].__path__[0])

    def names(self) -> list[str]:
        """All names."""
        return sorted(path.stem for path in self.folder.glob("[!_]*.py"))

    def load(self, name: str) -> type[Base]:
        """The class in the file `name`.

        Raises:
            UserError: the file cannot be imported, or does not hold one frozen dataclass derived from the base.
        """
        if name not in self._loaded:
            self._loaded[name] = self._import(name)
        return self._loaded[name]

    def create(self, name: str, values: Mapping[str, Any], origin: Origin | None = None, at: KeyPath = ()) -> Base:
        """What the file `name` holds, with its options by the names that they have in the config.

        Args:
            origin: the file that the options stand in, for messages. at: their path there.

        Raises:
            UserError: no such option, a value of another type or out of bounds, or values that do not go together.
        """
        return filled(self.load(name), dict(values), origin or self.package, at or (name,))

    def _import(self, name: str) -> type[Base]:
        path = self.folder / f"{name}.py"
        try:
            module = importlib.import_module(f"{self.package}.{name}")
        except Exception as error:
            raise UserError(f"{_place(error, path)}: {error}") from error
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, self.base) and value.__module__ == module.__name__
        ]
        if len(classes) != 1:
            found = f" ({', '.join(cls.__name__ for cls in classes)})" if classes else ""
            count = len(classes) or "no"
            raise UserError(f"{path}: has {count} classes derived from {self.base.__name__}{found}; it needs one.")
        (kind,) = classes
        if "__dataclass_fields__" not in vars(kind):
            raise UserError(f"{path}: put @dataclass(frozen=True) above the class {kind.__name__}.")
        try:
            options_schema(kind)
        except (UserError, NameError) as error:
            raise UserError(f"{path}: the class {kind.__name__} has {error}") from error
        return kind


_TYPES = {float: "number", int: "integer", bool: "boolean", str: "string", type(None): "null", list: "array"}


def _type_schema(annotation: Any) -> dict[str, Any]:
    """A type as JSON schema says it."""
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    unknown = [part for part in parts if (get_origin(part) or part) not in _TYPES]
    if unknown:
        raise UserError(f"an option of the type {annotation}; use float, int, bool, str, list, Literal, or None.")
    return {"type": [_TYPES[get_origin(part) or part] for part in parts]}


def _place(error: Exception, path: Path) -> str:
    """The file and line of an error while `path` was imported, which may lie in what it imports."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{error.filename or path}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if len(frames) > 1 else str(path)
