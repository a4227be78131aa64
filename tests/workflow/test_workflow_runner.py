"""What a copy of the project holds."""

import shutil
import subprocess
from pathlib import Path

import pytest

import workflow_runner


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose environment lies elsewhere, as on machines with small home folders."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    shutil.copy(workflow_runner.ROOT / ".gitignore", folder)
    (folder / "Snakefile").touch()
    (tmp_path / "scratch").mkdir()
    (folder / ".venv").symlink_to(tmp_path / "scratch")
    monkeypatch.setattr(workflow_runner, "ROOT", folder)
    return folder


@pytest.mark.parametrize("ignored", [True, False])
def test_an_environment_that_is_a_link_is_not_copied(ignored: bool, checkout: Path, tmp_path: Path) -> None:
    if not ignored:
        (checkout / ".gitignore").write_text("")
    copy = workflow_runner.copy_project(tmp_path / "copy")
    assert sorted(path.name for path in copy.iterdir()) == [".gitignore", "Snakefile"]


def test_git_sees_no_environment_that_is_a_link(checkout: Path) -> None:
    said = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, text=True, check=True)
    assert ".venv" not in said.stdout
