"""The library as a package: what it needs, what its wheel holds, and that it works where there is no checkout."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel in it; its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        wheel = folder / build_wheel(str(folder))
    finally:
        os.chdir(before)
    zipfile.ZipFile(wheel).extractall(folder / "packages")
    return folder / "packages"


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)


def test_the_pinned_set_is_what_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["slurm"])]
    ranges = {requirement.name.lower(): requirement.specifier for requirement in asked}
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    pinned = {name.lower(): version for name, version in (line.split("==") for line in lines if line)}
    assert pinned.keys() == ranges.keys()
    assert [name for name, version in pinned.items() if version not in ranges[name]] == []
    for name, specifier in ranges.items():
        assert re.search(r">=.*<|<.*>=", str(specifier)), f"{name} lacks a lower or an upper bound"


def test_the_wheel_holds_the_data_that_the_library_reads(installed: Path) -> None:
    library = ROOT / "src/vaematrix"
    data = {path.relative_to(library) for path in library.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    held = {path.relative_to(installed / "vaematrix") for path in (installed / "vaematrix").rglob("*")}
    assert data <= held
    assert (installed / "vaematrix/analysis/rubric.yaml").read_bytes() == (ROOT / "config/rubric.yaml").read_bytes()
    assert (installed / "vaematrix/py.typed").exists()


def test_the_rubric_is_the_working_folders_else_the_packages(installed: Path, tmp_path: Path) -> None:
    program = "from vaematrix.analysis.rubric import rubric_file; print(rubric_file().resolve())"
    packaged = run(installed, tmp_path, "-c", program).stdout.strip()
    assert Path(packaged) == (installed / "vaematrix/analysis/rubric.yaml").resolve()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/rubric.yaml").write_text("")
    assert Path(run(installed, tmp_path, "-c", program).stdout.strip()) == tmp_path.resolve() / "config/rubric.yaml"


def test_importing_the_package_is_quick_and_brings_no_torch() -> None:
    program = (
        "import sys, vaematrix, vaematrix.__main__; sys.exit(str({'torch', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    assert run(ROOT / "src", ROOT, "-c", program).stderr.strip() == "set()"


@pytest.mark.parametrize("command", ["", "judge", "compare", "watch"])
def test_each_command_explains_itself(installed: Path, tmp_path: Path, command: str) -> None:
    shown = run(installed, tmp_path, "-m", "vaematrix", *command.split(), "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith("usage: vaematrix")


def test_an_unknown_command_is_refused(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "-m", "vaematrix", "juge").returncode == 2
