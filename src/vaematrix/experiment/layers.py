"""What each layer of the configuration says: config.yaml, the overlays in their order, and `--config`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vaematrix.common.errors import UserError
from vaematrix.common.strict_yaml import parse_yaml, read_yaml

COMMAND_LINE = "--config"


@dataclass(frozen=True)
class Layers:
    """Where the values of a configuration come from.

    Attributes:
        files: config.yaml, then the overlays.
        arguments: what was given after `--config`, as `name=value`.
    """

    files: tuple[Path, ...]
    arguments: tuple[str, ...] = ()

    @cached_property
    def command_line(self) -> dict[str, Any]:
        """The values of the command line as YAML has them, where Snakemake leaves all inner values text."""
        values: dict[str, Any] = {}
        for argument in self.arguments:
            name, _, text = argument.partition("=")
            merge(values, {name: parse_yaml(text, f"{COMMAND_LINE} {name}")})
        return values

    @cached_property
    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """(name of the layer, what it says), from the first to the one that has the last word.

        Raises:
            UserError: a file cannot be read, or a key stands twice in it.
        """
        files = [(os.path.relpath(file), read_yaml(file)) for file in self.files]
        return [(name, values or {}) for name, values in (*files, (COMMAND_LINE, self.command_line))]

    def origin(self, path: Sequence[str | int]) -> str:
        """The layer that has the last word on the key at `path`, or on what is nearest above it."""
        depths = [(_depth(values, path), number) for number, (_, values) in enumerate(self.said)]
        _, number = max(depths)
        return self.said[number][0]

    def check_name(self) -> None:
        """Refuse a source under another source's name: the images of one would lie among those of the other.

        Raises:
            UserError: a layer changes `dataset.source`, and neither it nor a later one says `dataset.name`.
        """
        source: Any = None
        name, named_by, changed_by = None, "", ""
        for layer, values in self.said:
            dataset = values.get("dataset")
            dataset = dataset if isinstance(dataset, Mapping) else {}
            if dataset.get("source", source) != source:
                source, changed_by, named_by = dataset["source"], layer, ""
            if "name" in dataset:
                name, named_by = dataset["name"], layer
        if not named_by:
            raise UserError(
                f"{changed_by}: dataset.source is {source!r} here, but dataset.name is still the {name!r} of another "
                "source, whose images lie in resources/{name}. Set dataset.name too.".replace("{name}", str(name))
            )


def merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Let `changes` have the last word on `values`, section by section, as Snakemake merges overlays."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            merge(values[key], value)
        else:
            values[key] = value


def _depth(values: Any, path: Iterable[str | int]) -> float:
    """How many names of `path` the values say; infinitely many where they say all, or replace what lies there."""
    for depth, name in enumerate(path):
        if not isinstance(values, Mapping):
            return float("inf")
        if name not in values:
            return depth
        values = values[name]
    return float("inf")
