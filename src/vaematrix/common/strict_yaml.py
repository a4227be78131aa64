"""YAML files read so that nothing in them is lost: a key that stands twice is refused with both lines."""

from pathlib import Path
from typing import Any

import yaml

from vaematrix.common.errors import UserError


def read_yaml(path: str | Path) -> Any:
    """The content of a YAML file; None where it is empty.

    Raises:
        UserError: there is no such file, it is not UTF-8 text or not YAML, or a key stands twice; with file and line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Any:
    """What YAML text says; `name` is what messages call it.

    Raises:
        UserError: it is not YAML, or a key stands twice; with the line.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except _RepeatedKey as repeated:
        raise UserError(f"{name}: {repeated}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        tab = "; indent with blanks instead of tabs" if "'\\t'" in str(error.problem) else ""
        raise UserError(f"{where}: is not YAML: {error.problem or error.context}{tab}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: is not YAML: {' '.join(str(error).split())}.") from None
    finally:
        loader.dispose()


class _RepeatedKey(Exception):
    """A key stands twice in one mapping; the message names both lines."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which by itself lets the last of two equal keys win."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # str or None; PyYAML's stubs say a dictionary
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                raise _RepeatedKey(
                    f"{key.value!r} stands in line {lines[name]} and again in line {line}, and one of them would be "
                    "lost. Keep one."
                )
            lines[name] = line
        return node
