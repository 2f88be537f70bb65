"""A shard of an image table: a Parquet file whose pages have checksums, so damage is noticed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment.errors import UserError, reason


@contextmanager
def readable(shard: Path) -> Iterator[None]:
    """Say which shard it is that cannot be read.

    Raises:
        UserError: it is missing, cut off, damaged or no Parquet file.
    """
    try:
        yield
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


def columns(shard: Path, names: Sequence[str]) -> pa.Table:
    """Return columns of all rows.

    Raises:
        UserError: as of `readable`, or there is no such column.
    """
    with readable(shard):
        file = opened(shard)
        there = set(file.schema_arrow.names)
        if missing := [name for name in names if name.partition(".")[0] not in there]:
            raise UserError(f"{shard} has no column {missing[0]!r}: not an image table of ours")
        return file.read(columns=list(names))
