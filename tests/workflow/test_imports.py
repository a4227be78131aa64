"""Importing torch takes seconds and hundreds of megabytes: only the jobs that compute with it do."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
SAMPLING = {"fit_sampler", "sample", "evaluate_sampler"}
COMPUTING = {"train", "generate", "evaluate", "floors", "reference_statistics", *SAMPLING}


def imports_torch(module: str) -> bool:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    return subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS).returncode == 1


@pytest.mark.parametrize("script", sorted({path.stem for path in SCRIPTS.glob("*.py")} - COMPUTING))
def test_a_job_that_does_not_compute_with_torch_does_not_import_it(script: str) -> None:
    assert not imports_torch(script)


def test_the_check_sees_torch_where_it_is_imported() -> None:
    assert imports_torch("train")


def test_what_the_snakefile_imports_is_light() -> None:
    names = (
        "experiment.measures",
        "experiment.configuration",
        "experiment.code_hash",
        "reporting.names",
        "data.layout",
        "analysis.rubric",
    )
    modules = ", ".join(f"vaematrix.{name}" for name in names)
    heavy = "{'torch', 'numpy', 'pandas', 'pyarrow', 'PIL', 'matplotlib'}"
    program = f"import sys, {modules}; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    run = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
