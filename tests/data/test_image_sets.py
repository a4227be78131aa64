"""Anybody's images: the same pixels however they are stored, and nothing judged that is not alike."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaematrix.common.errors import UserError
from vaematrix.common.images import write_images
from vaematrix.data.image_sets import about, read_image_set

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(place / f"{number}.png")
    return place


def test_a_folder_a_zip_parquet_and_npy_hold_the_same(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"inside/{file.name}")
    write_images(tmp_path / "images.parquet", IMAGES, {}, {})
    np.save(tmp_path / "images.npy", IMAGES)
    assert read_image_set(tmp_path / "images.npy").flags.writeable, "torch warns of arrays that are not"
    for place in (folder, tmp_path / "images.zip", str(tmp_path / "images.parquet"), tmp_path / "images.npy", IMAGES):
        found = read_image_set(place)
        np.testing.assert_array_equal(found, IMAGES)
        assert about(place, found)["pixels_sha256"] == about(IMAGES, IMAGES)["pixels_sha256"]


def test_of_shards_one_split_is_read(tmp_path: Path) -> None:
    for shard, rows in enumerate((IMAGES[:3], IMAGES[3:])):
        write_images(tmp_path / f"shard-{shard}.parquet", rows, {"split": [0, 2, 2][: len(rows)]}, {})
    np.testing.assert_array_equal(read_image_set(tmp_path, "test"), IMAGES[[1, 2, 4]])
    with pytest.raises(UserError, match="holds the splits train, test; name the one"):
        read_image_set(tmp_path)
    with pytest.raises(UserError, match="holds the splits train, test"):
        read_image_set(tmp_path, "valid")


def test_images_of_several_sizes_are_refused_by_name(folder: Path) -> None:
    Image.new("RGB", (20, 20)).save(folder / "9.png")
    with pytest.raises(UserError, match=r"9\.png has 20x20 pixels, and those before it 10x12"):
        read_image_set(folder)


def test_what_are_no_images_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not float64 \[5, 12, 10, 3\]"):
        read_image_set(IMAGES / 255)
    with pytest.raises(UserError, match="not found"):
        read_image_set(tmp_path / "nowhere")
    (folder / "0.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"0\.png cannot be used"):
        read_image_set(folder)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="is not an array of numbers"):
        read_image_set(tmp_path / "objects.npy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no \.jpg"):
        read_image_set(tmp_path / "empty")
