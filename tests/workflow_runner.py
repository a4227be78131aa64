"""Run Snakemake on a copy of the project, as a user does, and read its plans."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def module_of(file: str) -> ModuleType:
    """A program of the project that is in no package, imported, by its path."""
    spec = importlib.util.spec_from_file_location(Path(file).stem, ROOT / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy_project(folder: Path) -> Path:
    """What a checkout holds, in `folder`."""
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def snakemake(
    folder: Path, *arguments: str, config: str = "tests/tiny.yaml", profile: str = "local", **environment: str
) -> subprocess.CompletedProcess[str]:
    """`snakemake --profile profiles/<profile>` with standard output and error together."""
    # Targets stand first: --configfile takes all words up to the next option.
    command = [
        BIN / "snakemake", *arguments, "--profile", f"profiles/{profile}", "--cores", "2", "--configfile", config
    ]  # fmt: skip
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def planned(folder: Path, *arguments: str, config: str = "tests/tiny.yaml") -> set[str]:
    """The jobs of a dry run, as "rule", "rule model seed" or "rule model seed sampler"."""
    run = snakemake(folder, "--dry-run", *arguments, config=config)
    assert run.returncode == 0, run.stdout
    jobs = set()
    for block in re.split(r"\n(?=(?:local)?(?:rule|checkpoint) )", run.stdout)[1:]:
        rule = re.match(r"(?:local)?rule (\w+):", block)[1]
        model = re.search(r"wildcards: .*?model=(.*?), seed=(\d+)", block)
        sampler = re.search(r"wildcards: .*?sampler=(\S+)", block)
        jobs.add(" ".join([rule, *(model.groups() if model else ()), *(sampler.groups() if sampler else ())]))
    return jobs - {"all", "experiment"}
