"""What code a job runs, as one hash: the entry script and every file of the library that it imports.

Snakemake itself does not see an edit in an imported module, and takes a touched script for an edited one.
Standard library only, since this runs whenever the Snakefile is read.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]

# What these say or record changes no number, so an edit of theirs is no reason to train again.
SILENT = frozenset({"console.py", "errors.py", "provenance.py", "slurm.py", "tensorboard.py"})


def code_hash(script: Path, *modules: str) -> str:
    """A hash over the contents of `script`, of `modules`, and of all library files they import, however deep.

    Args:
        script: the entry script.
        modules: further modules that are imported by name at run time, e.g. ``vaematrix.models.beta_vae``.
    """
    files, waiting = set(), [script, *(_file(module) for module in modules)]
    while waiting:
        file = waiting.pop()
        if file and file not in files and file.name not in SILENT:
            files.add(file)
            waiting += _imported(file)
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.name if file == script else file.relative_to(LIBRARY).as_posix()):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def _imported(file: Path) -> list[Path]:
    """The library's own files among a file's imports, wherever in the file they stand."""
    names = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [found for name in names if (found := _file(name))]


def _file(module: str) -> Path | None:
    package, *parts = module.split(".")
    if package != LIBRARY.name:
        return None
    path = LIBRARY.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
