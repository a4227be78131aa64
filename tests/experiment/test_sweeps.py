"""A sweep needs only config: what runs when it grows, and how planning grows with it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from made_up_experiment import checked, pretend_finished
from workflow_runner import copy_project, planned, snakemake

pytestmark = [pytest.mark.workflow]

RUN_RULES = ("train", "generate", "evaluate", "run_figures")
AGGREGATION = {"experiment_figures", "tables", "weight_triangle", "index_runs", "report", "compile_report"}


def sweep(folder: Path, betas: list[float], seeds: int) -> None:
    """Write `sweep.yaml`: the tiny experiment with one β-VAE for each of `betas`, and the conditional VAE."""
    settings: dict[str, Any] = yaml.safe_load((folder / "tests/tiny.yaml").read_text())
    settings["models"] = {"beta_vae": {"beta": betas}, "info_vae": None}
    settings["training"]["seeds"] = list(range(seeds))
    (folder / "sweep.yaml").write_text(yaml.safe_dump(settings))


def finished_sweep(folder: Path, betas: list[float], seeds: int) -> Path:
    sweep(copy_project(folder), betas, seeds)
    pretend_finished(folder, "sweep.yaml")
    return folder


def test_one_more_value_plans_its_own_runs_and_what_shows_all_models(tmp_path: Path) -> None:
    project = finished_sweep(tmp_path, [1, 2], seeds=2)
    assert planned(project, config="sweep.yaml") == set()
    sweep(project, [1, 2, 4.5], seeds=2)
    new = {f"{rule} beta_vae-beta-4.5 {seed}" for rule in RUN_RULES for seed in (0, 1)}
    assert planned(project, config="sweep.yaml") == new | AGGREGATION
    sweep(project, [2], seeds=2)
    assert planned(project, config="sweep.yaml") == AGGREGATION


def test_one_more_sampler_trains_nothing_and_touches_no_other(tmp_path: Path) -> None:
    project = copy_project(tmp_path)

    def with_samplers(*entries: dict[str, Any]) -> None:
        settings = yaml.safe_load((project / "tests/tiny.yaml").read_text())
        (project / "samplers.yaml").write_text(yaml.safe_dump(settings | {"samplers": list(entries)}))

    with_samplers({"kind": "gaussian"})
    pretend_finished(project, "samplers.yaml")
    assert planned(project, config="samplers.yaml") == set()
    with_samplers({"kind": "gaussian"}, {"kind": "flow", "name": "mine", "epochs": 5})
    models = ("beta_vae", "conditional_vae", "a_b & 50%")
    rules = ("fit_sampler", "sample", "evaluate_sampler")
    new = {f"{rule} {model} {seed} mine" for rule in rules for model in models for seed in (0, 1)}
    shown = {"sampler_tables", "sampler_figures", "report", "compile_report"}
    assert planned(project, config="samplers.yaml") == new | shown
    with_samplers()
    assert planned(project, config="samplers.yaml") == {"report", "compile_report"}


def test_a_mistake_in_a_sweep_is_told_with_its_file(tmp_path: Path) -> None:
    sweep(copy_project(tmp_path), [1, 2, 2.0], seeds=1)
    run = snakemake(tmp_path, "--dry-run", config="sweep.yaml")
    assert run.returncode != 0
    assert "error: sweep.yaml: models.beta_vae.beta [1, 2, 2.0] repeats a value." in run.stdout


COUNT = """
import cProfile, pstats, sys
from pathlib import Path
from snakemake.cli import main
profile = cProfile.Profile()
try:
    profile.runcall(main, sys.argv[1:])
finally:
    Path("calls").write_text(str(pstats.Stats(profile).total_calls))
"""


def calls_of_a_plan(folder: Path) -> int:
    """How many functions are called to find that nothing is to be done."""
    command = [sys.executable, "-c", COUNT, "--dry-run", "--profile", "profiles/local", "--configfile", "sweep.yaml"]
    run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "Nothing to be done" in checked(run)
    return int((folder / "calls").read_text())


@pytest.mark.slow
def test_planning_grows_no_faster_than_the_runs(tmp_path: Path) -> None:
    """From 20 to 110 runs as much as from 110 to 200; a square would make it 2.4 times as much."""
    few, more, most = (
        calls_of_a_plan(finished_sweep(tmp_path / str(values), [1 + value / 8 for value in range(values)], seeds=5))
        for values in (3, 21, 39)
    )
    assert most - more < 1.5 * (more - few)
