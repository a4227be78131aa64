"""What made a result, as git sees the code."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from vaematrix import provenance


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    models = tmp_path / "workflow/models"
    models.mkdir(parents=True)
    (models / "vae.py").write_text("class Vae: ...\n")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    (checkout / "workflow/models/vae.pyc").touch()
    (checkout / "notes.txt").write_text("not code")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True).stdout.strip()
    assert provenance.code_state(checkout / "workflow/models") == {"git_commit": head, "untracked": {}}


def test_a_model_file_that_git_does_not_know_is_a_change_and_has_its_hash(checkout: Path) -> None:
    mine = checkout / "workflow/models/mine ö.py"
    mine.write_text("class Mine: ...\n")
    state = provenance.code_state(checkout / "workflow/models")
    assert state["git_commit"].endswith("+changes")
    digest = hashlib.sha256(b"class Mine: ...\n").hexdigest()
    assert state["untracked"] == {"workflow/models/mine ö.py": digest}


def test_an_edited_file_is_a_change(checkout: Path) -> None:
    (checkout / "workflow/models/vae.py").write_text("class Vae: pass\n")
    state = provenance.code_state(checkout / "workflow/models")
    assert state["git_commit"].endswith("+changes")
    assert state["untracked"] == {}


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert provenance.code_state(tmp_path) == {"git_commit": None, "untracked": {}}
