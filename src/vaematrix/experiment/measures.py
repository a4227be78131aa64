"""Which metrics an experiment will measure, known before anything runs and without importing what computes them.

A rubric that asks for a metric which nothing computes, or that takes the wrong direction for better, would otherwise be
found out after all training, and so would a metric of one's own whose name the tables need for something else.
"""

import ast
import importlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import vaematrix
from vaematrix.common.errors import UserError
from vaematrix.common.schema import nearest
from vaematrix.metrics.catalogue import OF_ANY_FEATURES, in_features, in_inception
from vaematrix.reporting.names import check_metric_names

METRICS = Path(vaematrix.__file__).with_name("metrics") / "reconstruction"


@cache
def reconstruction_metrics() -> dict[str, str]:
    """The metrics in the `METRICS` of the files in metrics/reconstruction/, each with the direction that is better.

    Raises:
        UserError: a file is no Python, or two files have a metric of one key.
    """
    found: dict[str, str] = {}
    for path in sorted(METRICS.glob("*.py")):
        try:
            body = ast.parse(path.read_text(encoding="utf-8"), path.name).body
        except (SyntaxError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: is no Python: {error}") from None
        for node in body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "METRICS":
                here = _written(node.value) or _imported(path.stem)
                if twice := found.keys() & here.keys():
                    raise UserError(f"{path}: the metric {min(twice)!r} is in another file already; rename one.")
                found |= here
    return found


def _written(metrics: ast.expr) -> dict[str, str] | None:
    """What a tuple of `ReconstructionMetric(key, label, scale, better, …)` says; None where it is no such literal."""
    if not isinstance(metrics, ast.Tuple | ast.List):
        return None
    found = {}
    try:
        for call in metrics.elts:
            if not isinstance(call, ast.Call):
                return None
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            key, better = named.get("key") or call.args[0], named.get("better") or call.args[3]
            found[ast.literal_eval(key)] = ast.literal_eval(better)
        return found
    except (IndexError, ValueError):
        return None


def _imported(module: str) -> dict[str, str]:
    metrics = importlib.import_module(f"vaematrix.metrics.reconstruction.{module}").METRICS
    return {metric.key: metric.better for metric in metrics}


def measured(network: str) -> dict[str, str]:
    """Every metric that an experiment may measure in the features of a network, with the direction that is better."""
    sets = [in_features(network, "")]
    if network == "inception":  # FID with pytorch-fid's weights, which are known for certain when they are loaded
        sets = [in_inception("", official) for official in (True, False)]
    of_features = [getattr(metrics, field.name) for metrics in sets for field in fields(metrics)]
    return {**reconstruction_metrics(), **{metric.key: metric.better for metric in (*OF_ANY_FEATURES, *of_features)}}


def check_metrics(rubric: Mapping[str, Any], network: str, origin: str) -> None:
    """Hold the rubric against what will be measured.

    Args:
        rubric: as `rubric.check_rubric` accepts it.
        network: whose features the distances are of, `evaluation.features.network`.
        origin: the rubric's file, for messages.

    Raises:
        UserError: nothing computes the metric of a row, a metric's direction is the other one, or two numbers of the
            tables would have one name.
    """
    known, rules = measured(network), rubric["metrics"]
    check_metric_names(known)
    for key, rule in rules.items():
        if known.get(key) and rule["better"] != known[key]:
            raise UserError(
                f"{origin}: metrics.{key}.better: {rule['better']}, but of {key} the {known[key]} value is better."
            )
        row = rule.get("in_place_of", key)
        if not any(
            other in known for other, other_rule in rules.items() if other_rule.get("in_place_of", other) == row
        ):
            raise UserError(
                f"{origin}: metrics.{row}: nothing computes it, nor anything in place of it, with the features of "
                f"{network}{nearest(row, known)}"
            )
