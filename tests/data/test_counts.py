"""How many training images a source has is known before it is read."""

from pathlib import Path

import pytest

from layouts import write_layout
from vaematrix.data.counts import drawn_splits, training_images
from vaematrix.data.drawn import draw_faces
from vaematrix.data.layout import locate


@pytest.mark.parametrize("count", [10, 37])
def test_drawn_faces_are_counted_as_they_are_drawn(count: int, tmp_path: Path) -> None:
    draw_faces(tmp_path, count, seed=0)
    written = [line.split()[1] for line in (tmp_path / "list_eval_partition.txt").read_text().splitlines()]
    assert list(drawn_splits(count).values()) == [written.count(number) for number in "012"]
    assert training_images({"source": "drawn", "count": count}, None) == written.count("0")
    assert training_images({"source": "path"}, locate(tmp_path)) == written.count("0")


def test_a_list_is_counted_whatever_its_ends_of_line(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "faces", 9)
    list_ = folder / "list_eval_partition.txt"
    list_.write_bytes(list_.read_bytes().replace(b"\n", b"\r\n"))
    assert training_images({"source": "path"}, locate(folder)) == 3


def test_celeba_has_its_own_number() -> None:
    assert training_images({"source": "download"}, None) == 162_770
