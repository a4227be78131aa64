"""What the README shows works as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaematrix.experiment import configuration

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text)
    return found


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the library with the README's model and metric in it."""
    library = tmp_path / "src/vaematrix"
    shutil.copytree(ROOT / "src/vaematrix", library)
    (library / "models/families/warm_up_vae.py").write_text(block("python", "WarmUpVAE"))
    (library / "metrics/mae.py").write_text(block("python", '"mae"'))
    return library


def run(library: Path, program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=library.parent, check=True, capture_output=True, text=True).stdout


def test_the_example_model_is_a_family_that_trains(library: Path) -> None:
    (entry,) = yaml.safe_load(block("yaml", "warm_up"))["models"].values()
    options = {name: value for name, value in entry.items() if name != "family"}
    program = f"""
import sys
from vaematrix.experiment import configuration
configuration.check_models({{"warm_up": {entry}}}, "mine.yaml")
configuration.plain_models({{"warm_up": {entry}}}, "mine.yaml")
assert "torch" not in sys.modules
import torch
from vaematrix.models.networks import Network
from vaematrix.models.weights import build
model = build({entry["family"]!r}, Network(16, (4, 8), 5, 3), None, {options})
x, y, noise = torch.rand(6, 3, 16, 16), torch.zeros(6, 3, dtype=torch.bool), torch.randn(2, 6, 5)
for progress, weight in ((0.0, 0.0), (0.15, 0.5), (0.9, 1.0)):
    terms = model.loss(x, y, noise, torch.tensor(progress))
    torch.testing.assert_close(terms["loss"], terms["nll"] + weight * terms["kl"])
print("trains")
"""
    assert run(library, program) == "trains\n"


def test_the_example_metric_is_measured(library: Path) -> None:
    program = """
import numpy as np
from vaematrix.metrics import evaluate_pairs
black = np.zeros((3, 16, 16, 3), np.uint8)
entries, _ = evaluate_pairs(black, black + 51, resamples=100, confidence=0.95, seed=0)
print(entries["mae"]["label"], round(entries["mae"]["value"], 6))
"""
    assert run(library, program) == "MAE 0.2\n"


def test_the_example_of_own_faces_is_a_right_configuration() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    mine = yaml.safe_load(block("yaml", "dataset: {name: mine"))
    config["experiment"], config["dataset"] = mine["experiment"], config["dataset"] | mine["dataset"]
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    configuration.check_configuration(config, schema, "mine.yaml")


def test_the_example_of_a_sweep_is_the_runs_that_it_says() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    sweep = yaml.safe_load(block("yaml", "# sweep.yaml"))
    entries = {name: entry | sweep["models"].get(name, {}) for name, entry in config["models"].items()}
    configuration.check_models(entries, "sweep.yaml")
    models = configuration.plain_models(entries, "sweep.yaml")
    assert {"beta_vae-beta-1", "beta_vae-beta-8", "info_vae-lambda-10-kernel-rbf", "conditional_vae"} <= models.keys()
    assert f"with five seeds each: {len(models) * len(sweep['training']['seeds'])} runs" in README.replace("\n", " ")


def test_every_file_that_the_readme_names_is_there() -> None:
    named = re.findall(r"\]\(((?!http)[^)]+)\)", README) + re.findall(
        r"`((?:config|profiles|workflow)/[\w./]+)`", README
    )
    assert named
    for name in named:
        assert (ROOT / name).exists(), name
