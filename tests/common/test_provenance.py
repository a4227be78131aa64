"""What a result says of what made it."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

import vaematrix
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
