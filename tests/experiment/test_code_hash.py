"""The code hash: it changes with every file a job runs, and with no other."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the entry scripts and the library, as a checkout has them."""
    shutil.copytree(ROOT / "workflow/scripts", tmp_path / "workflow/scripts")
    shutil.copytree(ROOT / "src", tmp_path / "src")
    return tmp_path


def code(checkout: Path, script: str, *modules: str) -> str:
    program = (
        "import sys; from pathlib import Path; from vaematrix.experiment.code_hash import code_hash\n"
        "print(code_hash(Path(sys.argv[1]), *sys.argv[2:]))"
    )
    command = [sys.executable, "-c", program, str(checkout / "workflow/scripts" / script), *modules]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=checkout / "src").stdout


BETA, INFO = (("train.py", f"vaematrix.models.{family}") for family in ("beta_vae", "info_vae"))


@pytest.mark.parametrize(
    ("edited", "beta", "info", "tables"),
    [
        ("src/vaematrix/models/beta_vae.py", True, False, False),
        ("src/vaematrix/models/networks.py", True, True, False),
        ("src/vaematrix/models/losses.py", True, True, False),
        ("src/vaematrix/training/loop.py", True, True, False),
        ("src/vaematrix/training/checkpoint.py", True, True, False),
        ("src/vaematrix/common/images.py", True, True, False),
        ("workflow/scripts/train.py", True, True, False),
        ("workflow/scripts/evaluate.py", False, False, False),
        ("workflow/scripts/make_tables.py", False, False, True),
        ("src/vaematrix/analysis/matrix.py", False, False, True),
        ("src/vaematrix/metrics/ssim.py", False, False, False),
        ("src/vaematrix/common/files.py", True, True, True),
        ("src/vaematrix/common/console.py", False, False, False),
    ],
)
def test_an_edit_changes_the_hash_of_the_jobs_that_run_it(
    checkout: Path, edited: str, beta: bool, info: bool, tables: bool
) -> None:
    jobs = (BETA, INFO, ("make_tables.py",))
    before = [code(checkout, *job) for job in jobs]
    with (checkout / edited).open("a") as file:
        file.write("\n# edited\n")
    after = [code(checkout, *job) for job in jobs]
    assert [a != b for a, b in zip(before, after, strict=True)] == [beta, info, tables]


def test_neither_the_place_nor_the_time_of_the_files_counts(checkout: Path) -> None:
    for file in checkout.rglob("*.py"):
        file.touch()
    assert code(checkout, *BETA) == code(ROOT, *BETA)
