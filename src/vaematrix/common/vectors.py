"""Vectors as parquet: one row an item, each kind of vector a column of float32 lists of one length.

Any reader of parquet gives lists of numbers; DuckDB, Arrow and pandas need nothing else.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vaematrix.common.files import written_whole
from vaematrix.common.images import with_metadata


def write_vectors(
    path: str | Path,
    columns: Mapping[str, Sequence[Any] | pa.Array],
    vectors: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
) -> None:
    """Write vectors with their columns; the same input gives the same bytes.

    Args:
        columns: n values each, written before the vectors.
        vectors: float32 [n, d] by the name of their column.
        metadata: JSON values, stored as JSON text under these keys in the schema.
    """
    lists = {
        name: pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(values, np.float32).ravel()), values.shape[1]
        )
        for name, values in vectors.items()
    }
    table = with_metadata(pa.table({**columns, **lists}), metadata)
    with written_whole(path) as temporary:
        # Numbers of a network hardly repeat: a dictionary and compression would cost time and save nothing.
        pq.write_table(
            table,
            temporary,
            compression="none",
            use_dictionary=False,
            write_statistics=list(columns),
            write_page_checksum=True,
        )


def vectors_of(table: pa.Table, name: str) -> np.ndarray:
    """The column `name` of vectors of one length, as float32 [n, d]."""
    column = table[name].combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), column.type.list_size)
