"""The rubric: which file holds it, what makes it valid, and which of its rows and weights apply to a model.

It gives each metric its breakpoints, each model its weights, and holds the tables that the paper printed.
"""

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from vaematrix.analysis.decimals import decimal
from vaematrix.common.errors import UserError
from vaematrix.common.schema import check, nearest
from vaematrix.common.strict_yaml import read_yaml

DEFAULT = Path("config/rubric.yaml")
SCHEMA = Path(__file__).with_name("rubric.schema.yaml")

_LIBRARY = Path(__file__).parents[1]
_COPIES = (
    _LIBRARY / "analysis/rubric.yaml",  # in an installed package
    _LIBRARY.parents[1] / DEFAULT,  # in a checkout
)


def rubric_file(asked_for: str | Path = DEFAULT) -> Path:
    """The rubric's file; where `asked_for` is the default and absent from the working folder, the library's copy."""
    path = Path(asked_for)
    if path != DEFAULT or path.exists():
        return path
    return next((copy for copy in _COPIES if copy.is_file()), path)


def read_rubric(path: str | Path, models: Iterable[str] = ()) -> dict[str, Any]:
    """Read a rubric and check it.

    Args:
        path: the YAML file.
        models: those of :func:`check_rubric`.

    Raises:
        UserError: the file cannot be read, or :func:`check_rubric` refuses what it holds.
    """
    rubric = read_yaml(path)
    check_rubric(rubric, str(path), models)
    return rubric


def row_keys(rubric: Mapping[str, Any]) -> list[str]:
    """The metrics that have a row in the matrix, in its order."""
    return [key for key, rule in rubric["metrics"].items() if "in_place_of" not in rule]


def weighting_of(model: str, entry: str, rubric: Mapping[str, Any]) -> str:
    """The name of the set of weights that judges a model: its own, that of its entry in the config, or `default`."""
    return next((name for name in (model, entry) if name in rubric["weights"]), "default")


def check_rubric(rubric: Mapping[str, Any], origin: str = "config/rubric.yaml", models: Iterable[str] = ()) -> None:
    """Check the rubric's form (by its schema) and its sense, before anything is trained.

    Args:
        rubric: the parsed file.
        origin: the file's name, for messages.
        models: the configured models and their entries; weights for nearly one of them are weights for none.

    Raises:
        UserError: with the key, the nearest right one and the fix.
    """
    check(rubric, yaml.safe_load(SCHEMA.read_text(encoding="utf-8")), origin)
    _check_metrics(rubric["metrics"], origin)
    known = list(models)
    for name, weights in rubric["weights"].items():
        _check_weights(f"{origin}: weights.{name}", weights, rubric)
        unweighed = [model for model in known if model not in rubric["weights"] and name not in known]
        close = difflib.get_close_matches(name, unweighed, n=1, cutoff=0.8)
        if close and name not in rubric["published"]["tables"] and name != "default":
            raise UserError(
                f"{origin}: weights.{name}: no model of this name, and {close[0]} has no weights of its own; "
                f"did you mean {close[0]!r}?"
            )
    for name, table in rubric["published"]["tables"].items():
        _check_published(f"{origin}: published.tables.{name}", table, rubric)


def _check_metrics(metrics: Mapping[str, Any], origin: str) -> None:
    labels: dict[str, str] = {}
    for key, rule in metrics.items():
        where = f"{origin}: metrics.{key}"
        if rule["label"] in labels:
            raise UserError(
                f"{where}.label: {rule['label']!r} is also the label of metrics.{labels[rule['label']]}; "
                "give each metric a label of its own, so that no table can mix them up."
            )
        labels[rule["label"]] = key
        target = rule.get("in_place_of")
        if target is not None and "in_place_of" in metrics.get(target, {"in_place_of": None}):
            rows = [row for row in metrics if "in_place_of" not in metrics[row]]
            raise UserError(f"{where}.in_place_of: {target!r} is no row of the matrix{nearest(target, rows)}")
        _check_breakpoints(where, rule)
    if all("in_place_of" in rule for rule in metrics.values()):
        raise UserError(f"{origin}: metrics: every metric is in place of another; the matrix would have no rows.")


def _check_breakpoints(where: str, rule: Mapping[str, Any]) -> None:
    lower = rule["better"] == "lower"
    if not all(map(math.isfinite, rule["scores"])):
        raise UserError(f"{where}.scores: {rule['scores']} must be finite numbers.")
    points = list(zip(range(10, 1, -1), map(decimal, rule["scores"]), strict=True))
    for (better, first), (worse, second) in itertools.pairwise(points):
        if first >= second if lower else first <= second:
            raise UserError(
                f"{where}.scores: the breakpoint for {worse} ({second}) must be {'greater' if lower else 'less'} than "
                f"the one for {better} ({first}), because better is {rule['better']}. "
                "List them for the scores 10, 9, …, 2."
            )


def _check_weights(where: str, weights: Mapping[str, Any], rubric: Mapping[str, Any]) -> None:
    rows = row_keys(rubric)
    for key in weights:
        if key in rubric["metrics"] and key not in rows:
            row = rubric["metrics"][key]["in_place_of"]
            raise UserError(f"{where}.{key}: {key} takes the weight of {row}, where it is measured; remove this line.")
        if key not in rows:
            raise UserError(f"{where}.{key}: no metric of this name has a row{nearest(key, rows)}")
    for row in rows:
        if row not in weights:
            raise UserError(f"{where}: no weight for {row}. Add `{row}: 0` to leave it out, or its share in percent.")
    total = sum(map(decimal, weights.values()), Decimal(0))
    if total != 100:
        shares = " + ".join(f"{key} {weight}" for key, weight in weights.items())
        raise UserError(f"{where}: {shares} add up to {total}; make them add up to 100 (percent).")


def _check_published(where: str, table: Mapping[str, Any], rubric: Mapping[str, Any]) -> None:
    for key in table["rows"]:
        if key not in rubric["metrics"]:
            raise UserError(f"{where}.rows.{key}: no metric of this name{nearest(key, rubric['metrics'])}")
    for row in row_keys(rubric):
        first = next(iter(rubric["published"]["tables"].values()))["rows"]
        if (row in table["rows"]) != (row in first):
            raise UserError(f"{where}.rows: {row} stands in some published tables only; give all the same rows.")
