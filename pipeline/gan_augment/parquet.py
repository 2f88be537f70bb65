"""Parquet of others, in batches that are small however much a file unpacks to.

A dictionary or a good compression makes gigabytes of a few bytes. What a file says of its columns
is looked at before any is read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment.errors import UserError

BATCH_BYTES = 2**26
LARGE, RATIO = 2**28, 10
"""A column of a row group that unpacks to more bytes, and so many times as many as it takes, is
refused: its pages may be as large. Images are compressed already, and labels are short."""


def batches(
    file: pq.ParquetFile, columns: Sequence[str], most: int, where: object
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file, so many rows at a time at most, and fewer where they are large.

    Raises:
        UserError: a column unpacks to much more than it takes; `where` names the file.
    """
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        chunks = [
            chunk
            for chunk in map(group.column, range(group.num_columns))
            if any(f"{chunk.path_in_schema}.".startswith(f"{name}.") for name in columns)
        ]
        for chunk in chunks:
            _check(chunk, where)
        # Each row may be as large as all that is written of them: it may stand in a dictionary.
        largest = sum(chunk.total_uncompressed_size for chunk in chunks)
        rows = max(1, min(most, BATCH_BYTES // max(largest, 1)))
        yield from file.iter_batches(rows, row_groups=[number], columns=list(columns))


def _check(chunk: Any, where: object) -> None:
    packed, size = chunk.total_compressed_size, chunk.total_uncompressed_size
    if size > max(LARGE, RATIO * packed):
        raise UserError(
            f"{where}: its column {chunk.path_in_schema!r} unpacks to {size:,} bytes, from "
            f"{packed:,}: write it in smaller row groups, if these are images"
        )
