"""Layout in, shards out, arrays back."""

import errno
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from layouts import NAMES, picture, write_layout
from vaematrix.common import files, images
from vaematrix.common.errors import UserError
from vaematrix.common.images import read_metadata
from vaematrix.data import shards as module
from vaematrix.data.decode import decode
from vaematrix.data.fingerprint import fingerprint
from vaematrix.data.index import index_faces, write_index
from vaematrix.data.layout import ATTRIBUTES, locate
from vaematrix.data.shards import build_shard, read_faces, refuse_few
from vaematrix.data.summary import summarise

SETTINGS = {"crop": 140, "size": 16, "filter": "bilinear", "image_size": (178, 218)}


def build(folder: Path, output: Path, count: int = 1, **options) -> list[Path]:
    """Index the layout in `folder` and build `count` shards under `output`."""
    source = locate(folder)
    write_index(output / "index.parquet", index_faces(source), {"vaematrix.source": fingerprint(source)})
    paths = [output / f"shard-{number:05d}.parquet" for number in range(count)]
    for number, path in enumerate(paths):
        build_shard(output / "index.parquet", source, number, count, path, **(SETTINGS | options))
    return paths


def face(row: int) -> np.ndarray:
    """The face of `write_layout`'s row, made by Pillow alone."""
    image = Image.open(io.BytesIO(picture(row))).crop((19, 39, 159, 179))
    return np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR))


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_layout(tmp_path / "faces", count=7)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_hold_every_face_once_and_in_order(folder, tmp_path, count):
    paths = build(folder, tmp_path, count)
    rows = 0
    for split, expected in (("train", [0, 1, 2]), ("valid", [3, 4]), ("test", [5, 6])):
        faces = read_faces(paths, split)
        np.testing.assert_array_equal(faces.images, [face(row) for row in expected])
        assert faces.image_ids == [f"{row + 1:06d}.jpg" for row in expected]
        assert faces.attribute_names == NAMES
        np.testing.assert_array_equal(
            faces.attributes, [[(row + column) % 2 == 0 for column in range(3)] for row in expected]
        )
        rows += len(faces.images)
    assert rows == 7


def test_more_shards_than_faces(tmp_path):
    paths = build(write_layout(tmp_path / "faces", count=6), tmp_path, 9)
    assert len(read_faces(paths, "test").images) == 2


def test_shards_say_how_they_were_made(folder, tmp_path):
    path = build(folder, tmp_path)[0]
    assert read_metadata(path) == {
        "vaematrix.source": fingerprint(locate(folder)),
        "vaematrix.crop": 140,
        "vaematrix.size": 16,
        "vaematrix.filter": "bilinear",
        "vaematrix.skipped": [],
        "vaematrix.image_sizes": [[178, 218, 7]],
    }


def test_plain_readers_open_a_shard(folder, tmp_path):
    path = build(folder, tmp_path)[0]
    assert pq.read_schema(path).names == ["image_id", "split", *NAMES, "image"]
    assert {str(pq.read_schema(path).field(name).type) for name in NAMES} == {"bool"}
    frame = pd.read_parquet(path)
    assert frame["split"].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert frame["Bald"].tolist() == [True, False, True, False, True, False, True]
    found = duckdb.sql(f"SELECT image_id, image FROM '{path}' WHERE split = 2 AND Smiling").fetchall()
    assert [name for name, _ in found] == ["000006.jpg"]
    np.testing.assert_array_equal(np.frombuffer(found[0][1], np.uint8).reshape(16, 16, 3), face(5))


def test_rebuilt_shards_are_the_same_bytes(folder, tmp_path):
    first = build(folder, tmp_path / "one", 2)
    shutil.copytree(folder, tmp_path / "elsewhere")
    for path in (tmp_path / "elsewhere").iterdir():
        os.utime(path, (1, 1))
    second = build(tmp_path / "elsewhere", tmp_path / "two", 2)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_zip_and_folder_give_the_same_faces(folder, tmp_path):
    packed = read_faces(build(folder, tmp_path / "one"), "train")
    with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
        archive.extractall(folder)
    (folder / "img_align_celeba.zip").unlink()
    np.testing.assert_array_equal(read_faces(build(folder, tmp_path / "two"), "train").images, packed.images)


BAD_IMAGES = {
    "truncated": (picture(3)[:3000], "not a whole JPEG"),
    "empty": (b"", "not a whole"),
    "html": (b"<html>quota</html>", "HTML page"),
    "wrong size": (picture(3, 200, 218), "200x218 pixels instead of 178x218"),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_bad_image_stops_the_shard_with_its_name_and_what_to_do(tmp_path, kind):
    data, reason = BAD_IMAGES[kind]
    folder = write_layout(tmp_path / "faces", images={"000004.jpg": data})
    with pytest.raises(UserError) as caught:
        build(folder, tmp_path / "out")
    message = str(caught.value)
    assert f"{folder / 'img_align_celeba.zip'}: img_align_celeba/000004.jpg cannot be used" in message
    assert reason in message
    assert "`on_bad_image: skip`" in message
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.parquet"]


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_bad_image_is_left_out_and_counted(tmp_path, kind):
    data, reason = BAD_IMAGES[kind]
    folder = write_layout(tmp_path / "faces", count=9, images={"000004.jpg": data})
    paths = build(folder, tmp_path, on_bad_image="skip")
    skipped = read_metadata(paths[0])["vaematrix.skipped"]
    assert [(one["image_id"], one["split"]) for one in skipped] == [("000004.jpg", 1)]
    assert reason in skipped[0]["reason"]
    valid = read_faces(paths, "valid")
    assert valid.image_ids == ["000005.jpg", "000006.jpg"]
    np.testing.assert_array_equal(valid.images, [face(4), face(5)])
    np.testing.assert_array_equal(read_faces(paths, "test").images, [face(6), face(7), face(8)])


def test_damage_inside_the_zip_is_a_bad_image(folder, tmp_path):
    path = folder / "img_align_celeba.zip"
    data = bytearray(path.read_bytes())
    data[data.index(picture(3)) + 1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"000004\.jpg cannot be used: it is damaged inside the zip \(Bad CRC-32"):
        build(folder, tmp_path / "out")


@pytest.mark.parametrize(("bad", "left"), [((5, 6), "no image"), ((6,), "1 image")])
def test_a_split_of_which_too_little_is_left(tmp_path, bad, left):
    bad = {f"{number:06d}.jpg": b"" for number in bad}
    paths = build(write_layout(tmp_path / "faces", images=bad), tmp_path, 3, on_bad_image="skip")
    assert len(read_metadata(paths[2])["vaematrix.skipped"]) == len(bad)
    assert len(read_faces(paths, "train").images) == 2
    for refused in (read_faces, refuse_few):
        with pytest.raises(UserError, match=f"split test of the shards has {left} and needs 2 at least"):
            refused(paths, "test")
    refuse_few(paths, "train")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_left_when_the_data_reach_the_disk(folder, tmp_path, monkeypatch, code):
    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    out = tmp_path / "out"
    build(folder, out)
    before = (out / "shard-00000.parquet").read_bytes()
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match="no space left on the disk") as caught:
        build_shard(
            out / "index.parquet", locate(folder), 0, 1, out / "shard-00000.parquet", **(SETTINGS | {"size": 8})
        )
    assert str(out / "shard-00000.parquet") in str(caught.value)
    assert (out / "shard-00000.parquet").read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == ["index.parquet", "shard-00000.parquet"]


def test_no_space_left_while_arrow_writes(tmp_path):
    """A file size limit of the process fails a write half-way, as a full disk does; Arrow reports it as an OSError."""
    program = f"""
import errno, resource, signal, sys
sys.path[:0] = {[str(Path(module.__file__).parents[2]), str(Path(__file__).parents[1])]!r}
import numpy as np
from vaematrix.common import files
from vaematrix.common.errors import UserError
from vaematrix.common.images import write_images
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
files.errno.ENOSPC = errno.EFBIG  # the same way out of the same system call
images = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), dtype=np.uint8)
try:
    write_images({str(tmp_path / "x.parquet")!r}, images, {{}}, {{}})
except UserError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "no space left on the disk" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_progress_bar_is_silent_away_from_a_terminal(folder, tmp_path, capsys):
    build(folder, tmp_path, progress=True)
    assert capsys.readouterr().err == ""


def test_reading_one_split_needs_little_more_than_its_images(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "ROWS_PER_GROUP", 50)
    import tracemalloc

    from vaematrix.common.images import write_images

    rng = np.random.default_rng(0)
    columns = {
        "image_id": [str(row) for row in range(1000)],
        "split": np.repeat([0, 1, 2], [500, 250, 250]).astype(np.int8),
    }
    pixels = rng.integers(0, 256, (1000, 64, 64, 3), dtype=np.uint8)
    write_images(tmp_path / "s.parquet", pixels, {**columns, "Bald": rng.random(1000) < 0.5}, {})
    tracemalloc.start()
    faces = read_faces(tmp_path / "s.parquet", "train")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(faces.images, pixels[:500])
    assert peak < 1.3 * faces.images.nbytes


def test_real_faces(real_faces, tmp_path):
    """The first few hundred real faces in their own layout, against Pillow."""
    source = locate(real_faces)
    write_index(tmp_path / "index.parquet", index_faces(source), {"vaematrix.source": fingerprint(source)})
    build_shard(tmp_path / "index.parquet", source, 0, 40, tmp_path / "s.parquet", **(SETTINGS | {"size": 64}))
    faces = read_faces(tmp_path / "s.parquet", "train")
    assert faces.images.shape == (200, 64, 64, 3)
    assert faces.attribute_names == ATTRIBUTES
    with zipfile.ZipFile(real_faces / "img_align_celeba.zip") as archive:
        image = Image.open(archive.open("img_align_celeba/000123.jpg")).crop((19, 39, 159, 179))
        expected = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(faces.images[122], expected)
    assert faces.image_ids[122] == "000123.jpg"


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_source_that_is_replaced_makes_no_shard(folder, tmp_path, monkeypatch, moment):
    """A shard of two sources, or of another than the index is of, would pass for what the index says."""
    source = locate(folder)
    write_index(tmp_path / "index.parquet", index_faces(source), {"vaematrix.source": fingerprint(source)})

    def replace() -> None:
        write_layout(folder, count=7, images={"000003.jpg": picture(99)})

    def decode_and_replace(data: bytes, image_size: tuple[int, int] | None) -> np.ndarray:
        replace()
        return decode(data, image_size)

    if moment == "before":
        replace()
    else:
        monkeypatch.setattr(module, "decode", decode_and_replace)
    with pytest.raises(UserError, match=r"img_align_celeba\.zip: it or its lists changed"):
        build_shard(tmp_path / "index.parquet", source, 0, 1, tmp_path / "shard.parquet", **SETTINGS)
    assert not (tmp_path / "shard.parquet").exists()


def test_images_of_any_size_that_holds_the_crop(tmp_path):
    images = {"000001.jpg": picture(0, 300, 250), "000002.jpg": picture(1, 140, 140)}
    paths = build(write_layout(tmp_path / "faces", images=images), tmp_path, 2, image_size=None)
    sizes = [read_metadata(path)["vaematrix.image_sizes"] for path in paths]
    assert sizes == [[[140, 140, 1], [178, 218, 1], [300, 250, 1]], [[178, 218, 3]]]
    assert summarise(paths).about["image_sizes"] == [[178, 218, 4], [140, 140, 1], [300, 250, 1]]
    expected = np.asarray(Image.open(io.BytesIO(images["000001.jpg"])).crop((80, 55, 220, 195)).resize((16, 16), 2))
    np.testing.assert_array_equal(read_faces(paths, "train").images[0], expected)


def test_an_image_that_does_not_hold_the_crop(tmp_path):
    folder = write_layout(tmp_path / "faces", images={"000002.jpg": picture(1, 139, 300)})
    with pytest.raises(UserError, match=r"000002\.jpg cannot be used: it has 139x300 pixels, fewer than the crop"):
        build(folder, tmp_path, image_size=None)
