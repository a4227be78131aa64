"""Images as parquet, and what other readers see in the files."""

import tracemalloc

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vaematrix.common import images as module
from vaematrix.common.errors import UserError
from vaematrix.common.images import read_images, read_metadata, read_table, stream_images, verify, write_images
from vaematrix.common.vectors import write_vectors


def random_images(count: int, size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """50 images in row groups of 16; `split` changes within a row group."""
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 16)
    path = tmp_path / "images.parquet"
    columns = {"image_id": [f"{row:03d}" for row in range(50)], "split": pa.array([0] * 40 + [1] * 10, pa.int8())}
    write_images(path, random_images(50), columns, {"vaematrix.crop": 140, "vaematrix.skipped": [{"image_id": "x"}]})
    return path


def test_round_trip(file):
    images, table = read_images(file)
    np.testing.assert_array_equal(images, random_images(50))
    assert table["image_id"].to_pylist() == [f"{row:03d}" for row in range(50)]
    assert table.column_names == ["image_id", "split"]
    assert read_metadata(file) == {"vaematrix.crop": 140, "vaematrix.skipped": [{"image_id": "x"}]}


@pytest.mark.parametrize(("split", "rows"), [(0, slice(0, 40)), (1, slice(40, 50)), (2, slice(0, 0))])
def test_filter(file, split, rows):
    images, table = read_images(file, split=split)
    np.testing.assert_array_equal(images, random_images(50)[rows])
    assert table["image_id"].to_pylist() == [f"{row:03d}" for row in range(50)][rows]


def test_files_are_read_in_the_order_given(file, tmp_path):
    other = tmp_path / "a.parquet"
    more = random_images(3, seed=1)
    write_images(other, more, {"image_id": ["a", "b", "c"], "split": pa.array([0, 1, 0], pa.int8())}, {})
    images, table = read_images([file, other], split=0)
    np.testing.assert_array_equal(images, np.concatenate([random_images(50)[:40], more[[0, 2]]]))
    assert table["image_id"].to_pylist()[-3:] == ["039", "a", "c"]


def test_streaming_gives_the_same_in_pieces(file):
    pieces = list(stream_images([file, file], split=0))
    assert max(len(images) for images, _ in pieces) <= 16
    images, table = read_images([file, file], split=0)
    np.testing.assert_array_equal(np.concatenate([piece for piece, _ in pieces]), images)
    assert pa.concat_tables(others for _, others in pieces).equals(table)


def test_images_alone(tmp_path):
    write_images(tmp_path / "samples.parquet", random_images(5), {}, {})
    images, table = read_images(tmp_path / "samples.parquet")
    np.testing.assert_array_equal(images, random_images(5))
    assert table.column_names == []


def test_no_images(tmp_path):
    write_images(tmp_path / "none.parquet", random_images(0), {"split": pa.array([], pa.int8())}, {"a": 1})
    images, table = read_images(tmp_path / "none.parquet", split=0)
    assert images.shape == (0, 8, 8, 3)
    assert table.num_rows == 0


def test_the_same_input_gives_the_same_bytes(file, tmp_path):
    images, table = read_images(file)
    again = tmp_path / "elsewhere/other.parquet"
    write_images(again, images, {name: table[name] for name in table.column_names}, read_metadata(file))
    assert again.read_bytes() == file.read_bytes()


def test_other_readers_open_the_file(file):
    expected = random_images(50)
    field = pq.read_schema(file).field("image")
    assert (field.type, field.metadata) == (pa.binary(8 * 8 * 3), {b"shape": b"[8, 8, 3]"})

    frame = pd.read_parquet(file)
    assert frame["split"].tolist() == [0] * 40 + [1] * 10
    images = [np.frombuffer(image, np.uint8).reshape(8, 8, 3) for image in frame["image"]]
    np.testing.assert_array_equal(images, expected)

    rows = duckdb.sql(
        f"SELECT image_id, image FROM read_parquet('{file}') WHERE split = 1 ORDER BY image_id"
    ).fetchall()
    assert [name for name, _ in rows] == [f"{row:03d}" for row in range(40, 50)]
    assert [image for _, image in rows] == [image.tobytes() for image in expected[40:]]


def test_the_file_is_no_larger_than_its_pixels(tmp_path):
    images = random_images(500, size=64)
    write_images(tmp_path / "images.parquet", images, {}, {})
    assert (tmp_path / "images.parquet").stat().st_size < 1.01 * images.nbytes


def test_reading_needs_little_more_memory_than_the_images(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 64)
    path = tmp_path / "images.parquet"
    write_images(path, random_images(1000, size=64), {"split": pa.array([0, 1] * 500, pa.int8())}, {})
    start = pa.total_allocated_bytes()
    tracemalloc.start()  # numpy's memory; Arrow's is counted beside it
    images, _ = read_images(path, split=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert images.nbytes == 500 * 12288
    assert peak < 1.3 * images.nbytes
    assert pa.total_allocated_bytes() - start < 0.1 * images.nbytes


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8), np.uint8), np.zeros((2, 3, 8, 8), np.uint8)]
)
def test_what_is_not_uint8_nhwc_is_refused(tmp_path, images):
    with pytest.raises(ValueError, match="uint8"):
        write_images(tmp_path / "images.parquet", images, {}, {})
    assert list(tmp_path.iterdir()) == []


def test_misuse_is_named(file, tmp_path):
    with pytest.raises(ValueError, match="no column 'fold'"):
        read_images(file, fold=1)
    with pytest.raises(ValueError, match="none"):
        read_images([])
    write_images(tmp_path / "small.parquet", random_images(2, size=4), {}, {})
    with pytest.raises(ValueError, match="one size"):
        read_images([file, tmp_path / "small.parquet"])


def altered(path, at: int):
    """The file with one bit of the byte `at` flipped, as a disk or a careless hand does it."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("column", ["image", "image_id"])
def test_an_altered_byte_is_noticed_whichever_way_the_file_is_read(file, column):
    """Without checksums the images alone are read as if nothing had happened."""
    chunk = next(
        chunk
        for chunk in map(pq.ParquetFile(file).metadata.row_group(1).column, range(3))
        if chunk.path_in_schema == column
    )
    altered(file, chunk.data_page_offset + chunk.total_compressed_size - 1)
    for read in (read_images, lambda path: list(stream_images(path)), read_table, verify):
        with pytest.raises(UserError, match=r"images\.parquet: cannot be read as parquet .*checksum.*delete it"):
            read(file)


@pytest.mark.parametrize("keep", [0, 3, 1000, -1])
def test_a_file_cut_short_is_named(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    for read in (read_images, read_table, read_metadata):
        with pytest.raises(UserError, match=r"images\.parquet: cannot be read as parquet"):
            read(file)


def test_vectors_have_checksums_too(tmp_path):
    path = tmp_path / "vectors.parquet"
    write_vectors(path, {"image_id": ["a", "b"]}, {"mean": np.ones((2, 3), np.float32)}, {})
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(1)
    altered(path, chunk.data_page_offset + chunk.total_compressed_size - 1)
    with pytest.raises(UserError, match="checksum"):
        read_table(path)
