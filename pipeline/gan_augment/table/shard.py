"""A shard of an image table: a Parquet file whose pages have checksums, so damage is noticed."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment.errors import UserError, reason
from gan_augment.parquet import row_group
from gan_augment.table.columns import FEATURES, OURS, conforming


@contextmanager
def readable(shard: Path) -> Iterator[None]:
    """Say which shard it is that cannot be read.

    Raises:
        UserError: it is missing, cut off, damaged or no Parquet file.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(
            f"{shard} is not on {socket.gethostname()}: run the stage that makes it; each machine "
            "of a cluster needs the project at the same path"
        ) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{shard} is not a readable Parquet file: {reason(error)}") from None


def opened(shard: Path) -> pq.ParquetFile:
    """Return a shard, memory-mapped, whose pages are checked as they are read; see `readable`."""
    return pq.ParquetFile(shard, memory_map=True, page_checksum_verification=True)


def schema(shard: Path) -> pa.Schema:
    """Return the schema of a shard.

    Raises:
        UserError: as of `readable`.
    """
    with readable(shard):
        return pq.read_schema(shard)


def group_sizes(shard: Path) -> list[int]:
    """Return the number of rows of each row group, as the shard says.

    Raises:
        UserError: as of `readable`, or it says what cannot be: a row has more than a byte.
    """
    with readable(shard):
        about = pq.read_metadata(shard)
    rows = [about.row_group(number).num_rows for number in range(about.num_row_groups)]
    if min(rows, default=0) < 0 or sum(rows) > shard.stat().st_size:
        raise UserError(f"{shard} is damaged: it has not the {sum(rows):,} rows that it says")
    return rows


def read_group(
    file: pq.ParquetFile, number: int, shard: Path, names: Sequence[str] = ()
) -> pa.Table:
    """Return a row group of a shard that is open, all its columns or some.

    Raises:
        UserError: as of `readable`, it lacks one of them, or it is no table of ours.
    """
    there = [f"{file.schema.column(place).path}." for place in range(len(file.schema))]
    needed = names or ("label", FEATURES if FEATURES in file.schema_arrow.names else "image")
    for name in needed:
        if not any(path.startswith(f"{name}.") for path in there):
            raise UserError(f"{shard} has no column {name!r}: {OURS}")
    with readable(shard):
        rows = row_group(file, number, shard, names)
    try:
        return conforming(rows)
    except UserError as error:
        raise UserError(f"{shard}: {error}") from None


def columns(shard: Path, names: Sequence[str]) -> pa.Table:
    """Return columns of all rows.

    Raises:
        UserError: as of `read_group`.
    """
    with readable(shard):
        file = opened(shard)
    if not file.num_row_groups:
        return file.read(columns=list(names))
    return pa.concat_tables(
        read_group(file, number, shard, names) for number in range(file.num_row_groups)
    )
