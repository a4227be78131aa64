"""One file a family, named like the file in the config. What a family is, says :mod:`vaematrix.models.family`."""

import importlib
import inspect
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vaematrix.common.errors import UserError
from vaematrix.common.schema import KeyPath, Origin, check, refuse
from vaematrix.models.family import Family, options, options_schema


def names() -> list[str]:
    """The names of all families."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


@cache
def load(name: str) -> type[Family]:
    """The class of the family `name`.

    Raises:
        UserError: its file cannot be imported, or does not hold one frozen dataclass derived from Family.
    """
    path = Path(__file__).with_name(f"{name}.py")
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except Exception as error:
        raise UserError(f"{_place(error, path)}: {error}") from error
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Family) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        found = f" ({', '.join(cls.__name__ for cls in classes)})" if classes else ""
        raise UserError(f"{path}: has {len(classes) or 'no'} classes derived from Family{found}; it needs one.")
    (family,) = classes
    if "__dataclass_fields__" not in vars(family):
        raise UserError(f"{path}: put @dataclass(frozen=True) above the class {family.__name__}.")
    try:
        options_schema(family)
    except (UserError, NameError) as error:
        raise UserError(f"{path}: the class {family.__name__} has {error}") from error
    return family


def create(name: str, values: Mapping[str, Any], origin: Origin | None = None, at: KeyPath = ()) -> Family:
    """A family with its options, by the names that they have in the config.

    Args:
        origin: the file that the options stand in, for messages. at: their path there.

    Raises:
        UserError: no such option, a value of another type or out of bounds, or values that do not go together.
    """
    family, origin, at = load(name), origin or __name__, at or (name,)
    check(dict(values), options_schema(family), origin, at)
    try:
        return family(**{options(family)[option].name: value for option, value in values.items()})
    except UserError as error:
        refuse([(at, str(error))], origin)
        raise


def _place(error: Exception, path: Path) -> str:
    """The file and line of an error while `path` was imported, which may lie in what it imports."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{error.filename or path}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if len(frames) > 1 else str(path)
