"""Vectors in parquet, for us and for other readers."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq

from vaematrix.common.images import read_metadata
from vaematrix.common.vectors import vectors_of, write_vectors


def test_vectors_come_back_as_they_were_also_from_chosen_rows(tmp_path: Path) -> None:
    path, vectors = tmp_path / "v.parquet", np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    write_vectors(path, {"name": list("abcdefghi")}, {"mean": vectors, "one": vectors[:, :1]}, {"vaematrix.key": "k"})
    table = pq.read_table(path)
    np.testing.assert_array_equal(vectors_of(table, "mean"), vectors)
    np.testing.assert_array_equal(vectors_of(table.take([7, 2]).slice(1), "mean"), vectors[2:3])
    assert vectors_of(table, "one").shape == (9, 1)
    assert read_metadata(path) == {"vaematrix.key": "k"}
    assert duckdb.sql(f"select mean[2] from '{path}' where name = 'c'").fetchall() == [(vectors[2, 1],)]


def test_the_same_vectors_are_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_vectors(tmp_path / name, {"name": ["x"]}, {"mean": np.ones((1, 3), np.float32)}, {"b": 1, "a": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
