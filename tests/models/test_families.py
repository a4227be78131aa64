"""A family's file: what is wrong with one is said with its name and line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaematrix.common.errors import UserError
from vaematrix.common.options import options_schema
from vaematrix.models import families

HEAD = """
from dataclasses import dataclass
from vaematrix.common.options import option
from vaematrix.models.family import Family
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of families; what is imported from it is forgotten again."""
    monkeypatch.setattr(families, "__path__", [str(tmp_path)])
    monkeypatch.setattr(families.FAMILIES, "_loaded", {})
    yield tmp_path
    sys.modules.pop(f"{families.__name__}.mine", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (\n", r"mine\.py, line 1: "),
        ("x = 1\ny = no_such_name\n", r"mine\.py, line 2: name 'no_such_name' is not defined"),
        ("import no_such_module\n", r"mine\.py, line 1: No module named 'no_such_module'"),
        ("# \udcff\n", r"mine\.py"),
        ("x = 1\n", r"mine\.py: has no classes derived from Family; it needs one"),
        (f"{HEAD}class A(Family): ...\nclass B(Family): ...\n", r"mine\.py: has 2 classes derived .*\(A, B\)"),
        (f"{HEAD}class A(Family):\n    x: float = 1.0\n", r"mine\.py: put @dataclass\(frozen=True\) above the class A"),
        (f"{HEAD}@dataclass(frozen=True)\nclass A(Family):\n    x: dict = None\n", r"A has an option of the type"),
    ],
)
def test_a_broken_file_is_named(folder: Path, text: str, said: str) -> None:
    (folder / "mine.py").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=said):
        families.load("mine")


def test_a_helper_class_above_the_family_has_no_options(folder: Path) -> None:
    helper = "class Helper:\n    def __init__(self, *, wrong: int) -> None: ...\n\n"
    family = "@dataclass(frozen=True)\nclass A(Family):\n    right: float | None = option(1.0, 'it', minimum=0)\n"
    (folder / "mine.py").write_text(f"{HEAD}{helper}{family}")
    right = {"type": ["number", "null"], "description": "it", "minimum": 0}
    assert options_schema(families.load("mine"))["properties"] == {"right": right}
    assert families.names() == ["mine"]
