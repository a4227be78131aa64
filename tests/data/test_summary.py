"""The dataset summary against counts and means made by hand."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest

from vaematrix.common import images as images_module
from vaematrix.common.errors import UserError
from vaematrix.common.images import write_images
from vaematrix.data.summary import sizes_text, summarise, write_frequencies, write_summary

ABOUT = {"vaematrix.source": "abc", "vaematrix.crop": 140, "vaematrix.size": 4, "vaematrix.filter": "bilinear"}


@pytest.fixture
def data(monkeypatch):
    monkeypatch.setattr(images_module, "ROWS_PER_GROUP", 7)
    rng = np.random.default_rng(0)
    return {
        "pixels": rng.integers(0, 256, (30, 4, 4, 3), dtype=np.uint8),
        "split": rng.permutation(np.repeat([0, 1, 2], 10)).astype(np.int8),
        "Bald": rng.random(30) < 0.3,
        "Young": rng.random(30) < 0.8,
    }


def write(path, data, rows, **metadata):
    columns = {"image_id": [str(row) for row in range(30)][rows], "split": pa.array(data["split"][rows])}
    columns |= {name: pa.array(data[name][rows]) for name in ("Bald", "Young")}
    write_images(path, data["pixels"][rows], columns, {**ABOUT, "vaematrix.skipped": [], **metadata})
    return path


@pytest.fixture
def shards(data, tmp_path):
    lost = [
        {"image_id": "a.jpg", "split": 0, "reason": "it is empty"},
        {"image_id": "b.jpg", "split": 2, "reason": "x"},
    ]
    return [
        write(tmp_path / "0.parquet", data, slice(0, 18)),
        write(tmp_path / "1.parquet", data, slice(18, 30), **{"vaematrix.skipped": lost}),
    ]


def test_counts_frequencies_and_mean_faces(data, shards):
    summary = summarise(shards)
    assert summary.about["images"] == 30
    assert summary.about["counts"] == {"train": 10, "valid": 10, "test": 10}
    for number, split in enumerate(("train", "valid", "test")):
        rows = data["split"] == number
        np.testing.assert_allclose(summary.mean_faces[split], data["pixels"][rows].mean(axis=0), rtol=1e-14)
        for name in ("Bald", "Young"):
            assert summary.about["attributes"][split][name] == pytest.approx(data[name][rows].mean(), rel=1e-14)


def test_how_it_was_made_and_what_was_skipped(shards):
    about = summarise(shards).about
    assert {key: about[key] for key in ("source", "crop", "size", "filter")} == {
        "source": "abc",
        "crop": 140,
        "size": 4,
        "filter": "bilinear",
    }
    assert about["skipped_counts"] == {"train": 1, "valid": 0, "test": 1}
    assert [one["image_id"] for one in about["skipped"]] == ["a.jpg", "b.jpg"]


def test_files(shards, tmp_path):
    summary = summarise(shards)
    write_summary(tmp_path / "summary.json", summary)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary.about
    write_frequencies(tmp_path / "attributes.csv", summary)
    with (tmp_path / "attributes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["attribute"] for row in rows] == ["Bald", "Young"]
    assert float(rows[1]["test"]) == pytest.approx(summary.about["attributes"]["test"]["Young"], abs=1e-6)


def test_a_split_without_images(data, tmp_path):
    rows = np.flatnonzero(data["split"] != 1)
    few = {name: values[rows] for name, values in data.items()}
    summary = summarise([write(tmp_path / "0.parquet", few, slice(0, 20))])
    assert summary.about["counts"]["valid"] == 0
    assert set(summary.mean_faces) == set(summary.about["attributes"]) == {"train", "test"}


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([], ""),
        ([[178, 218, 9]], "178 × 218 pixels"),
        ([[178, 218, 9], [300, 250, 1], [140, 140, 1]], "3 sizes, 140 × 140 to 300 × 250 pixels"),
    ],
)
def test_sizes_in_words(sizes, text):
    assert sizes_text(sizes) == text


def test_shards_of_two_kinds_are_refused(data, shards, tmp_path):
    other = write(tmp_path / "other.parquet", data, slice(0, 3), **{"vaematrix.crop": 148})
    with pytest.raises(UserError, match=r"other\.parquet: its crop is 148, but that of .* is 140"):
        summarise([*shards, other])
