"""What the README and the pages of docs/ show works as it stands there."""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import markdown
import numpy as np
import pytest
import snakemake
import yaml
from markdown.extensions.toc import slugify

from made_up_demo import pretend_demo
from made_up_runs import experiment, rubric
from vaematrix.__main__ import parser
from vaematrix.analysis.rubric import check_rubric
from vaematrix.experiment import configuration
from vaematrix.reporting.tables import write_tables
from workflow_runner import ROOT

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "config/README.md", *ROOT.glob("docs/*.md")]
}
BLOCKS = {name: re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for name, text in PAGES.items()}


def block(page: str, language: str, containing: str) -> str:
    (found,) = (text for kind, text in BLOCKS[page] if kind == language and containing in text)
    return found


def pages_with(text: str) -> list[str]:
    pages = [name for name, blocks in BLOCKS.items() if any(text in code for _, code in blocks)]
    assert pages
    return pages


def test_every_make_target_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name, text in PAGES.items():
        lines = [line for language, code in BLOCKS[name] if language == "sh" for line in code.splitlines()]
        shown = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^make ([a-z-]+)", "\n".join(lines), re.MULTILINE)
        assert set(shown) <= targets, name


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of the library with the pages' model and metric in it."""
    library = tmp_path / "src/vaematrix"
    shutil.copytree(ROOT / "src/vaematrix", library)
    (library / "models/families/warm_up_vae.py").write_text(block("docs/own-model.md", "python", "WarmUpVAE"))
    (library / "metrics/reconstruction/mae.py").write_text(block("docs/own-metric.md", "python", '"mae"'))
    return library


def run(library: Path, program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=library.parent, check=True, capture_output=True, text=True).stdout


def test_the_example_model_is_a_family_that_trains(library: Path) -> None:
    (entry,) = yaml.safe_load(block("docs/own-model.md", "yaml", "warm_up:"))["models"].values()
    options = {name: value for name, value in entry.items() if name != "family"}
    program = f"""
import sys
from vaematrix.experiment import configuration
configuration.check_models({{"warm_up": {entry}}}, "mine.yaml")
configuration.plain_models({{"warm_up": {entry}}}, "mine.yaml")
assert "torch" not in sys.modules
import torch
from vaematrix.models.architecture import Network
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
from vaematrix.metrics.reconstruction import evaluate_pairs
black = np.zeros((3, 16, 16, 3), np.uint8)
entries, _ = evaluate_pairs(black, black + 51, resamples=100, confidence=0.95, seed=0)
print(entries["mae"].label, round(entries["mae"].value, 6))
"""
    assert run(library, program) == "MAE 0.2\n"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    pretend_demo(folder)
    return folder


@pytest.mark.parametrize("page", pages_with("vaematrix.load_model("))
def test_the_lines_of_python_run(demo: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    names: dict[str, Any] = {"images": np.random.default_rng(1).integers(0, 256, (16, 64, 64, 3), np.uint8)}
    exec(block(page, "python", "vaematrix.load_model("), names)
    assert names["samples"].shape == (16, 64, 64, 3)
    assert names["samples"].dtype == np.uint8
    assert names["metrics"]["metrics"]
    assert names["metrics"]["protocol"]


def test_the_lines_of_shell_are_understood() -> None:
    commands = re.findall(r"^\.venv/bin/vaematrix (.*)$", PAGES["docs/api.md"], re.MULTILINE)
    asked = [parser().parse_args(shlex.split(command)) for command in commands]
    assert [(command.json, command.split) for command in asked] == [(True, None), (False, "test")]


def test_the_example_metric_has_a_row_in_the_rubric() -> None:
    added = yaml.safe_load(block("docs/own-metric.md", "yaml", "mae:"))
    changed: dict[str, Any] = rubric()
    changed["metrics"] |= added["metrics"]
    for percent in changed["weights"].values():
        percent.setdefault("mae", 0)
    changed["weights"] |= added["weights"]
    check_rubric(changed)


def test_the_example_of_own_faces_is_a_right_configuration() -> None:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    for page in pages_with("dataset: {name: mine, source: path"):
        config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
        mine = yaml.safe_load(block(page, "yaml", "dataset: {name: mine, source: path"))
        config["experiment"], config["dataset"] = mine["experiment"], config["dataset"] | mine["dataset"]
        configuration.check_configuration(config, schema, "mine.yaml")


def test_the_example_of_a_sweep_is_the_runs_that_it_says() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    sweep = yaml.safe_load(block("docs/sweeps.md", "yaml", "# sweep.yaml"))
    entries = {name: entry | sweep["models"].get(name, {}) for name, entry in config["models"].items()}
    configuration.check_models(entries, "sweep.yaml")
    models = configuration.plain_models(entries, "sweep.yaml")
    assert {"beta_vae-beta-1", "beta_vae-beta-8", "info_vae-lambda-10-kernel-rbf", "conditional_vae"} <= models.keys()
    said = f"with five seeds each: {len(models) * len(sweep['training']['seeds'])} runs"
    assert said in PAGES["docs/sweeps.md"].replace("\n", " ")


def test_the_macros_of_the_latex_lines_exist(tmp_path: Path) -> None:
    runs = [replace(run, run=replace(run.run, model="beta_vae")) for run in experiment() if run.model == "vae"]
    write_tables(tmp_path, runs, rubric(), ["beta_vae"], [])
    defined = set(re.findall(r"\\newcommand\{(\\\w+)\}", (tmp_path / "numbers.tex").read_text()))
    for page in pages_with(r"\vmFid"):
        latex = block(page, "latex", r"\input")
        assert set(re.findall(r"\\vm\w+", latex)) <= defined
        assert all(
            (tmp_path / Path(name).with_suffix(".tex").name).exists() for name in re.findall(r"\\input\{(.*?)\}", latex)
        )


def test_the_messages_that_the_questions_quote_are_still_said() -> None:
    """Three words in a row of each message stand in the code, where a message may be put together of several pieces."""
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("workflow/**/*.py"), *ROOT.glob("workflow/schemas/*.yaml")]
    # What Snakemake says of an overlay before it reads the Snakefile, in its words.
    files += Path(snakemake.__file__).parent.glob("**/*.py")
    code = " ".join(re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8")) for file in files)
    messages = [quoted.split() for quoted in re.findall(r"^\*\*`(.+? .+?)`", PAGES["docs/faq.md"], re.MULTILINE)]
    assert len(messages) > 10
    for words in messages:
        assert any(" ".join(words[start : start + 3]) in code for start in range(len(words) - 2)), words


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 150


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as MkDocs and GitHub make them."""
    parser = markdown.Markdown(extensions=["toc", "fenced_code"])
    parser.convert(text)
    tokens = parser.toc_tokens  # type: ignore[attr-defined]
    names = set()
    while tokens:
        names |= {slugify(token["name"], "-") for token in tokens}
        tokens = [inner for token in tokens for inner in token["children"]]
    return names


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    prose = re.sub(r"^```.*?^```", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(((?!https?://)[^)]+)\)", prose):
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    for name in re.findall(r"`((?:config|profiles|workflow|src|tests|benchmarks|docs)/[\w./-]+\w)`", PAGES[page]):
        assert (ROOT / name).exists(), name
