"""Every `snakemake` command of the pages plans, with the overlays that the pages show beside it."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from layouts import write_layout
from vaematrix.experiment.layers import merge
from workflow_runner import BIN, ROOT, copy_project

pytestmark = [pytest.mark.workflow]

PAGES = [ROOT / "README.md", ROOT / "config/README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^ *(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?snakemake --(?:[^\\\n]|\\\n)*", flags=re.MULTILINE)
COMMANDS = [(page, command) for page in PAGES for command in COMMAND.findall(page.read_text())]


def overlays(page: Path) -> str:
    """The page's blocks of YAML as one, which stands for `mine.yaml` and `sweep.yaml`."""
    values: dict[str, Any] = {"experiment": "mine"}
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL):
        merge(values, yaml.safe_load(block) or {})
    return yaml.safe_dump(values)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with faces in it, and with the model that a page adds."""
    folder = copy_project(tmp_path_factory.mktemp("commands"))
    write_layout(folder / "faces", 400)  # a batch and a latent of training images, and more
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-model.md").read_text(), flags=re.DOTALL)
    (folder / "src/vaematrix/models/families/warm_up_vae.py").write_text(example)
    return folder


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=range(len(COMMANDS)))
def test_a_command_plans(project: Path, page: Path, command: str) -> None:
    for overlay in ("mine.yaml", "sweep.yaml"):
        (project / overlay).write_text(overlays(page).replace("/data/mine", "faces"))
    words = shlex.split(command.replace("/path/to/celeba8k", "faces").replace("\\\n", " "), comments=True)
    while "=" in words[0]:
        words.pop(0)
    run = subprocess.run(
        [BIN / "snakemake", *words[1:], "--dry-run", "--quiet"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
