"""What a result says of what made it."""

import ast
import hashlib
import importlib.metadata
import subprocess
from pathlib import Path

import pytest

import vaematrix
from vaematrix.common import provenance
from vaematrix.common.provenance import PACKAGES, versions


def imported() -> set[str]:
    """The distributions whose modules the library imports somewhere."""
    modules = set()
    for file in Path(vaematrix.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            modules |= {name.partition(".")[0] for name in names}
    known = importlib.metadata.packages_distributions()
    return {package.lower() for module in modules for package in known.get(module, ())}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_is_named_that_nothing_imports(package: str) -> None:
    assert package in imported()
    assert versions()[package] == importlib.metadata.version(package)


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
