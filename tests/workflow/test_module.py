"""The workflow as a module of another one, from a path and from a git address, in a folder of its own."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from workflow_runner import BIN, ROOT, copy_project

pytestmark = [pytest.mark.workflow]

# The page's own example.
(IMPORTER,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/module.md").read_text(), re.DOTALL | re.MULTILINE)
# Without a profile, Snakemake's other triggers are on; its `code` trigger breaks on local git files (9.27.1).
PLAIN = ["--cores", "2", "--rerun-triggers", "params", "input"]
RULES = {
    *("draw_faces", "index_faces", "build_shard", "summarise_dataset", "train", "generate", "reference_statistics"),
    *("attribute_judge", "evaluate", "floors", "run_figures", "experiment_figures", "tables", "index_runs", "report"),
}


def importer(folder: Path, snakefile: str) -> Path:
    """A workflow that imports vaematrix, with the tiny experiment in a section of its configuration."""
    folder.mkdir()
    (folder / "Snakefile").write_text(IMPORTER.replace('"/path/to/vaematrix/workflow/Snakefile"', snakefile))
    tiny = yaml.safe_load((ROOT / "tests/tiny.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump({"faces": tiny}))
    return folder


def snakemake(folder: Path, *arguments: str) -> str:
    # The library of this checkout is the installed one.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [BIN / "snakemake", *arguments, *PLAIN]
    run = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


@pytest.fixture
def from_a_path(tmp_path: Path) -> Path:
    return importer(tmp_path / "importer", repr(str(ROOT / "workflow/Snakefile")))


@pytest.fixture
def from_git(tmp_path: Path) -> Path:
    project = copy_project(tmp_path / "vaematrix")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@localhost"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    source = f'gitfile({str(project)!r}, path="workflow/Snakefile", commit="{commit.stdout.strip()}")'
    return importer(tmp_path / "importer", source)


@pytest.mark.parametrize("source", ["from_a_path", "from_git"])
def test_another_workflow_plans_the_experiment(source: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(source)
    plan = snakemake(folder, "--dry-run")
    planned = set(re.findall(r"^(?:local)?rule (\w+):", plan, flags=re.MULTILINE))
    assert planned >= {f"vm_{rule}" for rule in RULES} | {"all"}
    assert "rule a_rule_of_its_own:" in snakemake(folder, "--dry-run", "a_rule_of_its_own")


@pytest.mark.slow
def test_a_job_runs_from_a_git_address(from_git: Path) -> None:
    snakemake(from_git, "resources/tiny/raw/list_attr_celeba.txt")
    assert (from_git / "resources/tiny/raw/img_align_celeba.zip").exists()


@pytest.mark.slow
def test_a_run_is_trained_and_judged_from_a_path(from_a_path: Path) -> None:
    target = "results/tiny/beta_vae/seed-0/metrics.json"
    snakemake(from_a_path, target)
    assert json.loads((from_a_path / target).read_text())["metrics"]["mse_01"]["value"] > 0
    assert "Nothing to be done" in snakemake(from_a_path, "--dry-run", target)


def test_a_mistake_in_the_importers_configuration_is_told(from_a_path: Path) -> None:
    text = (from_a_path / "config.yaml").read_text()
    (from_a_path / "config.yaml").write_text(text.replace("epochs: 2", "epoch: 2"))
    command = [BIN / "snakemake", "--dry-run", *PLAIN]
    run = subprocess.run(command, cwd=from_a_path, capture_output=True, text=True)
    assert run.returncode != 0
    assert "training.epoch is not a key here; did you mean 'epochs'?" in run.stderr
