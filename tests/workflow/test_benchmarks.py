"""The benchmarks: how they judge, and that every program runs, with the peers that are installed."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from workflow_runner import ROOT

PROGRAMS = [
    "training",
    "sampling",
    "shards",
    "loading",
    "inception",
    "frechet",
    "ssim",
    "memory",
    "precision",
    "scaling",
]
GPU_PROGRAMS = [name for name in PROGRAMS if name != "frechet"]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("harness", ROOT / "benchmarks/harness.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "harness", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def test_ratios_are_of_the_same_round(harness: ModuleType) -> None:
    """The machine was half as fast in the last two rounds: the ratio of the medians would be 3.3."""
    case = harness.Case(
        "c", {"ours": [40, 30, 20, 15], "peer": [10, 10, 5, 5]}, [harness.Target("ours / peer", ">=", 3.4)]
    )
    said = case.as_dict()
    assert said["ratios"] == {"ours / peer": 3.5}
    assert said["ratio_spread"] == {"ours / peer": [3, 4]}
    assert said["median"] == {"ours": 25, "peer": 7.5}
    assert [target["reached"] for target in said["targets"]] == [True]


def test_a_target_without_its_peer_is_not_judged(harness: ModuleType) -> None:
    case = harness.Case("c", {"ours": [40.0]}, [harness.Target("ours / peer", ">=", 2)])
    assert case.as_dict()["targets"] == []


def test_sides_are_measured_in_turn_after_a_warm_up(harness: ModuleType) -> None:
    calls = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    values = harness.alternate({"a": lambda: side("a"), "b": lambda: side("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert values == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


def test_slow_cases_are_cut_short_but_measured(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "CASE_SECONDS", -1)
    assert harness.alternate({"a": lambda: 1.0}, 5) == {"a": [1.0]}


def test_the_table_names_command_and_machine_and_leaves_quick_runs_out(harness: ModuleType, tmp_path: Path) -> None:
    for quick in (False, True):
        options = argparse.Namespace(gpu=False, quick=quick)
        row = harness.Row("r", "images/s", "higher", "sizes", options)
        row.cases.append(
            harness.Case("c", {"ours": [4.0 + quick], "peer": [2.0]}, [harness.Target("ours / peer", ">=", 3)])
        )
        harness.write(row)
    assert {file.name for file in tmp_path.iterdir()} == {"r.json", "r-quick.json"}
    assert json.loads((tmp_path / "r.json").read_text())["machine"]["cores"] == harness.CORES
    table = harness.table()
    assert "| r, images/s | c | 4 | peer 2: 2 (2 to 2) |" in table
    assert "| 5 |" not in table
    assert f"{harness.CORES} cores of" in table


def test_the_page_holds_the_table_of_the_results(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "RESULTS", ROOT / "benchmarks/results")
    page = harness.PAGE.read_text(encoding="utf-8")
    assert "| training, images/s |" in page
    assert harness.page(page) == page, "write the table anew: python benchmarks/harness.py"


@pytest.mark.nightly
@pytest.mark.parametrize(
    "arguments", [(name,) for name in PROGRAMS] + [(name, "--gpu") for name in GPU_PROGRAMS], ids="".join
)
def test_every_program_runs(arguments: tuple[str, ...]) -> None:
    """Without a GPU, `--gpu --quick` runs the GPU's cases on the CPU."""
    program = ROOT / "benchmarks" / f"{arguments[0]}.py"
    environment = {**os.environ, "PYTHONPATH": str(program.parent)}
    run = subprocess.run(
        [sys.executable, program, *arguments[1:], "--quick"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"| {arguments[0]}, " in run.stdout
