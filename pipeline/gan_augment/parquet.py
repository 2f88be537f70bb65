"""Parquet of others, in batches that are small however much a file unpacks to.

A dictionary or a good compression makes gigabytes of a few bytes. What the pages of the columns say
of themselves is looked at before any is read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment.errors import UserError
from gan_augment.pages import Pages, pages

BATCH_BYTES = 2**26
LARGE, RATIO = 2**28, 10
"""A column of a row group that unpacks to more bytes, and so many times as many as it takes, is
refused: its pages may be as large. Images are compressed already, and labels are short."""
VALUE_BYTES = 8
GROUP_ROWS = 2**16
"""Of a row group that are read at a time, to see how large they are."""


def batches(
    file: pq.ParquetFile, columns: Sequence[str], most: int, path: Path
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file, so many rows at a time at most, and fewer where they are large.

    Raises:
        UserError: a column unpacks to much more than it takes.
    """
    for number in range(file.num_row_groups):
        # Each row may be as large as all that is written of them: it may stand in a dictionary.
        largest = sum(one.unpacked for one in _looked_at(file, number, columns, path))
        rows = max(1, min(most, BATCH_BYTES // max(largest, 1)))
        yield from file.iter_batches(rows, row_groups=[number], columns=list(columns))


def row_group(
    file: pq.ParquetFile, number: int, path: Path, columns: Sequence[str] = ()
) -> pa.Table:
    """Return a row group, of some columns or, if none is named, of all.

    Raises:
        UserError: it unpacks to much more than it takes, or has other rows than the file says.
    """
    names = list(columns or file.schema_arrow.names)
    shared = sum(one.dictionary for one in _looked_at(file, number, names, path))
    rows = max(1, min(GROUP_ROWS, BATCH_BYTES // max(shared, 1)))
    size, parts = 0, []
    for batch in file.iter_batches(rows, row_groups=[number], columns=names):
        size += batch.nbytes
        _check(size, path.stat().st_size, "row group", path)
        parts.append(batch)
    told = file.metadata.row_group(number).num_rows
    if told != (there := sum(map(len, parts))):
        raise UserError(f"{path} is damaged: it has {there:,} rows where it says {told:,}")
    return pa.Table.from_batches(parts) if parts else file.schema_arrow.empty_table().select(names)


def _looked_at(
    file: pq.ParquetFile, number: int, columns: Sequence[str], path: Path
) -> list[Pages]:
    """Return what the pages of some columns of a row group hold.

    Raises:
        UserError: a page has no header, or a column unpacks to much more than it takes.
    """
    group, found = file.metadata.row_group(number), []
    with path.open("rb") as stream:
        for chunk in map(group.column, range(group.num_columns)):
            if not any(f"{chunk.path_in_schema}.".startswith(f"{name}.") for name in columns):
                continue
            try:
                found.append(pages(stream, chunk))
            except ValueError as error:
                raise UserError(f"{path} is not a readable Parquet file: {error}") from None
            size = max(found[-1].unpacked, VALUE_BYTES * found[-1].values)
            what = f"column {chunk.path_in_schema!r}"
            _check(size, chunk.total_compressed_size, what, path)
    return found


def _check(size: int, packed: int, what: str, path: Path) -> None:
    if size > max(LARGE, RATIO * packed):
        raise UserError(
            f"{path}: its {what} unpacks to {size:,} bytes, from {packed:,}: write it in smaller "
            "row groups, if these are images"
        )
