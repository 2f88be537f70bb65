"""Writing an image table: shard by shard, all or nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment.storage import replace_directory
from gan_augment.table.columns import FEATURES, FeatureSpace, Fit, schema

SHARD_ROWS = 20_000
ROW_GROUP_ROWS = 1_000


class Writer:
    """Writes an image table shard by shard; it takes its place only when all is written.

    Use as a context manager. Memory is bounded by what is appended at once. The same rows in the
    same order give the same bytes, however they were cut into `append` calls.
    """

    def __init__(
        self,
        path: Path,
        classes: Sequence[str],
        shard_rows: int = SHARD_ROWS,
        space: FeatureSpace | None = None,
        bits: int | None = None,
        fit: Fit | None = None,
    ) -> None:
        self._path, self._shard_rows = path, shard_rows
        self._schema = schema(classes, space, bits, fit)
        self._pending: dict[str, list[pa.Table]] = {}
        self._shards: dict[str, int] = {}
        self._open: dict[str, tuple[pq.ParquetWriter, int]] = {}
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def __enter__(self) -> "Writer":
        self._stack = ExitStack()
        self._directory = self._stack.enter_context(replace_directory(self._path))
        return self

    def append(self, rows: pa.Table) -> None:
        """Append rows made by `encode` or read by `scan`."""
        self._counts.update(
            zip(*(rows[c].to_pylist() for c in ("split", "origin", "label")), strict=True)
        )
        for split in rows["split"].unique().to_pylist():
            part = rows.filter(pa.compute.equal(rows["split"], split)).select(self._schema.names)
            self._pending.setdefault(split, []).append(part.cast(self._schema))
            self._flush(split, whole_groups_only=True)

    def counts(self) -> Mapping[tuple[str, str, int], int]:
        """Return the rows appended so far by split, origin and label."""
        return self._counts

    def attach(self, name: str, text: str) -> None:
        """Add a text file that travels with the table, such as its card."""
        (self._directory / name).write_text(text, encoding="utf-8")

    def _flush(self, split: str, *, whole_groups_only: bool) -> None:
        pending = pa.concat_tables(self._pending[split])
        while len(pending) >= (ROW_GROUP_ROWS if whole_groups_only else 1):
            writer, free = self._open.get(split) or self._next_shard(split)
            take = min(ROW_GROUP_ROWS, free, len(pending))
            writer.write_table(pending.slice(0, take))
            pending = pending.slice(take)
            self._open[split] = writer, free - take
            if free == take:
                self._open.pop(split)[0].close()
        self._pending[split] = [pending]

    def _next_shard(self, split: str) -> tuple[pq.ParquetWriter, int]:
        number = self._shards.get(split, 0)
        self._shards[split] = number + 1
        target = self._directory / f"{split}-{number:05d}.parquet"
        # PNG bytes do not compress further, and a dictionary of them would only cost memory.
        others = [name for name in self._schema.names if name != "image"]
        writer = pq.ParquetWriter(
            target,
            self._schema,
            use_dictionary=[name for name in others if name != FEATURES],
            compression={
                "image.bytes": "none",
                "image.path": "zstd",
                **dict.fromkeys(others, "zstd"),
            },
            write_statistics=others,
            write_page_checksum=True,
        )
        return writer, self._shard_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                for split in self._pending:
                    self._flush(split, whole_groups_only=False)
                if not self._shards:  # an empty table is still a table
                    self._open["train"] = self._next_shard("train")
        except BaseException as failure:
            kind, error, trace = type(failure), failure, failure.__traceback__
            raise
        finally:
            for writer, _ in self._open.values():
                writer.close()
            self._stack.__exit__(kind, error, trace)


def write(
    path: Path,
    chunks: Iterable[pa.Table],
    classes: Sequence[str],
    bits: int | None = None,
    fit: Fit | None = None,
) -> None:
    """Write chunks of rows as an image table, atomically."""
    with Writer(path, classes, bits=bits, fit=fit) as writer:
        for rows in chunks:
            writer.append(rows)
