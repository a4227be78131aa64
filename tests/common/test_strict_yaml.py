"""YAML read so that nothing in a file is lost."""

from pathlib import Path

import pytest

from vaematrix.common.errors import UserError
from vaematrix.common.strict_yaml import read_yaml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", r"'a' stands in line 1 and again in line 3"),
        ("m: {x: 1}\nn:\n  y: 1\n  z: 2\n  y: 3\n", r"'y' stands in line 3 and again in line 5"),
        ("a:\n\tb: 1\n", r"mine.yaml, line 2: is not YAML: .*indent with blanks instead of tabs"),
        ("a: [1\n", r"mine.yaml, line \d: is not YAML"),
        ("a: 1\nb: \udcff\n", r"mine.yaml, line 2: is not UTF-8 text"),
    ],
)
def test_what_would_be_lost_or_misread_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=said):
        read_yaml(tmp_path / "mine.yaml")


def test_merged_keys_are_no_repetition(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: &c {<<: *a, x: 4}\nd: {<<: *c}\n")
    read = read_yaml(tmp_path / "mine.yaml")
    assert read["b"] == {"x": 1, "y": 3}
    assert read["d"] == {"x": 4, "y": 2}


def test_an_empty_file_says_nothing_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "mine.yaml") is None
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
