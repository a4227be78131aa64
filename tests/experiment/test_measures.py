"""What is known of metrics before anything runs is what is measured then, and what tables cannot bear is refused."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from made_up_runs import ORDER, experiment, rubric
from vaematrix.common.errors import UserError
from vaematrix.experiment import measures
from vaematrix.experiment.measures import check_metrics, measured, reconstruction_metrics
from vaematrix.metrics import entries, reconstruction
from vaematrix.metrics.catalogue import in_features, in_inception
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.frechet import statistics
from vaematrix.reporting import names
from vaematrix.reporting.tables import collect, findings, numbers
from vaematrix.reporting.tables.csv_rows import summary_rows

LITE0 = "efficientnet_lite0"


def test_the_files_say_what_the_metrics_are() -> None:
    assert reconstruction_metrics() == {metric.key: metric.better for metric in reconstruction.reconstruction_metrics()}


@pytest.mark.parametrize(
    ("network", "distance"), [("inception", "fid"), ("inception", "frechet_other"), (LITE0, f"frechet_{LITE0}")]
)
def test_what_is_measured_is_known_before(network: str, distance: str) -> None:
    rng, found = np.random.default_rng(0), Measured()
    metrics = in_inception("", distance == "fid") if network == "inception" else in_features(network, "")
    features = SimpleNamespace(metrics=metrics, identity={"dims": 4})
    made, real = (rng.normal(size=(50, 4)).astype(np.float32) for _ in range(2))
    entries.measure_extrapolation(found, features, made, statistics(real), 0.95)
    entries.measure_features(found, features, made, real, torch.device("cpu"))
    entries.measure_feature_distance(found, features, made, real, resamples=100, confidence=0.95)
    entries.measure_latent(found, made, np.ones_like(made))
    assert len(found.entries) == 14
    known = measured(network)
    for key, entry in found.entries.items():
        assert known[key] == entry.better, key
    assert known[distance] == known[f"reconstruction_{distance}"] == "lower"


@pytest.mark.parametrize("network", ["inception", LITE0])
def test_the_rubric_that_ships_is_measured(network: str) -> None:
    check_metrics(rubric(), network, "rubric.yaml")


def _renamed(rules: dict[str, Any], old: str, new: str) -> None:
    rules["metrics"] = {new if key == old else key: rule for key, rule in rules["metrics"].items()}


def test_a_row_that_nothing_computes_is_refused() -> None:
    rules = rubric()
    _renamed(rules, "ssim", "sssim")
    with pytest.raises(UserError, match=r"rubric\.yaml: metrics\.sssim: nothing computes it.*did you mean 'ssim'"):
        check_metrics(rules, "inception", "rubric.yaml")
    rules = rubric()
    _renamed(rules, f"frechet_{LITE0}", "frechet_random")
    check_metrics(rules, "inception", "rubric.yaml")
    with pytest.raises(UserError, match=r"metrics\.fid: nothing computes it, nor anything in place of it.*lite0"):
        check_metrics(rules, LITE0, "rubric.yaml")


@pytest.mark.parametrize(("key", "better"), [("ssim", "lower"), ("mse_pm1", "higher"), ("fid", "higher")])
def test_a_rubric_that_turns_a_metric_round_is_refused(key: str, better: str) -> None:
    rules = rubric()
    rules["metrics"][key]["better"] = better
    with pytest.raises(UserError, match=rf"metrics\.{key}\.better: {better}, but of {key} the"):
        check_metrics(rules, "inception", "rubric.yaml")


TAKEN = [
    "mse", "mse_unit", "total", "total_sd", "ssim_score", "ssim_sd", "mse_score", "seed_count", "name", "share",
    "continuous_share",
]  # fmt: skip


def rehearsed(key: str) -> None:
    """The tables with a metric of this key. Raises: UserError or AssertionError, as far as they fail."""
    runs = experiment()
    for made in runs:
        made.metrics[key] = replace(made.metrics["ssim"], label="Mine")
    results = collect(runs, rubric(), ORDER)
    numbers(results, findings(results, {}))
    assert summary_rows(results).columns.is_unique


@pytest.mark.parametrize("key", TAKEN)
def test_a_name_that_fails_in_the_tables_is_refused_before(key: str) -> None:
    with pytest.raises((UserError, AssertionError)):
        rehearsed(key)
    with pytest.raises(UserError, match=rf"the metric .*{key}"):
        names.check_metric_names([*measured("inception"), key])


@pytest.mark.parametrize("key", ["mae", "lpips", "totals", "ssim_scores", "names"])
def test_another_name_is_none_of_them(key: str) -> None:
    rehearsed(key)
    names.check_metric_names([*measured("inception"), key])


def test_every_number_of_a_model_has_a_name_that_is_known() -> None:
    """So that a new macro cannot be forgotten where names are refused."""
    results = collect(experiment(), rubric(), ORDER)
    keys = [*results.keys.values(), *results.further]
    known = {f"{names.metric_word(key)}{end}" for key in keys for end in ("", "Sd", "Score")} | {*names.MODEL_WORDS}
    for name in numbers(results, findings(results, {})):
        word, _, model = name.removeprefix("vm").partition("OfInfoVae")
        assert model or "OfInfoVae" not in name or word in known or word.startswith(names.OTHER_BEGINNINGS), name


def test_a_file_that_is_no_literal_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "mine.py").write_text("METRICS = tuple(make(name) for name in 'ab')\n")
    monkeypatch.setattr(measures, "METRICS", tmp_path)
    monkeypatch.setattr(measures, "_imported", lambda module: {f"{module}_a": "lower"})
    assert reconstruction_metrics.__wrapped__() == {"mine_a": "lower"}
    (tmp_path / "mine.py").write_text("METRICS = (\n")
    with pytest.raises(UserError, match=r"mine\.py: is no Python"):
        reconstruction_metrics.__wrapped__()
