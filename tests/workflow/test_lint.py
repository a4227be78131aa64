"""Snakemake's own linter."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The software of all rules is one virtual environment, made from requirements.txt; there is no conda environment.
ACCEPTED = {"Specify a conda environment or container for each rule.:"}


@pytest.mark.parametrize("config", ["config", "demo"])
def test_the_workflow_passes_snakemakes_linter(config: str) -> None:
    program = Path(sys.executable).with_name("snakemake")
    command = [program, "--lint", "--configfile", f"config/{config}.yaml"]
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stderr
    found = re.findall(r"^(?:Lints for .*|    \* .*)$", report, flags=re.MULTILINE)
    assert any("rule train" in line for line in found), f"the linter saw no rules: {report}"
    assert {line.removeprefix("    * ") for line in found if line.startswith("    * ")} == ACCEPTED, report
