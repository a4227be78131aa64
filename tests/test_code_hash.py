"""The code hash: it changes with every file a job runs, and with no other."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "workflow/scripts", tmp_path / "scripts"))


def code(scripts: Path, script: str, *modules: str) -> str:
    program = (
        "import sys; from pathlib import Path; from vaematrix.code_hash import code_hash\n"
        "print(code_hash(Path(sys.argv[1]), *sys.argv[2:]))"
    )
    command = [sys.executable, "-c", program, str(scripts / script), *modules]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=scripts).stdout


BETA, INFO = (("train.py", f"vaematrix.models.{family}") for family in ("beta_vae", "info_vae"))


@pytest.mark.parametrize(
    ("edited", "beta", "info", "tables"),
    [
        ("vaematrix/models/beta_vae.py", True, False, False),
        ("vaematrix/models/networks.py", True, True, False),
        ("vaematrix/models/losses.py", True, True, False),
        ("vaematrix/training.py", True, True, False),
        ("vaematrix/checkpoint.py", True, True, False),
        ("vaematrix/images.py", True, True, False),
        ("train.py", True, True, False),
        ("evaluate.py", False, False, False),
        ("make_tables.py", False, False, True),
        ("vaematrix/matrix.py", False, False, True),
        ("vaematrix/metrics/ssim.py", False, False, False),
        ("vaematrix/files.py", True, True, True),
        ("vaematrix/console.py", False, False, False),
    ],
)
def test_an_edit_changes_the_hash_of_the_jobs_that_run_it(
    scripts: Path, edited: str, beta: bool, info: bool, tables: bool
) -> None:
    jobs = (BETA, INFO, ("make_tables.py",))
    before = [code(scripts, *job) for job in jobs]
    with (scripts / edited).open("a") as file:
        file.write("\n# edited\n")
    after = [code(scripts, *job) for job in jobs]
    assert [a != b for a, b in zip(before, after, strict=True)] == [beta, info, tables]


def test_neither_the_place_nor_the_time_of_the_files_counts(scripts: Path) -> None:
    for file in scripts.rglob("*.py"):
        file.touch()
    assert code(scripts, *BETA) == code(ROOT / "workflow/scripts", *BETA)
