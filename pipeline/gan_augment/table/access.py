"""The rows of an image table where they lie on disk: memory does not grow with the table.

Shards are memory-mapped. Pixels are stored as they are, neither compressed nor in a dictionary, so
once a row group has been gone through, each of its images is known by the place and length of its
PNG in the file, 12 bytes a row, and is later read alone, whatever the order. Tables that another
tool wrote and compressed are read a row group at a time.
"""

import mmap
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gan_augment.errors import UserError
from gan_augment.table.columns import FEATURES
from gan_augment.table.rows import without_pixels
from gan_augment.table.shard import columns, group_sizes, opened, read_group, readable, schema

PIXELS = "image.bytes"
AT_ONCE = 64
"""Images that are in memory at a time while a row group is gone through."""
MAPPED = 256
"""Shards that are mapped at a time: each takes a file descriptor."""
HELD = 2
"""Row groups that are kept in memory where images cannot be mapped."""
UNKNOWN, UNMAPPED, ABSENT = 0, -1, -2
"""In the place of an offset: not looked for yet; compressed; the row has no image."""


class Rows:
    """The rows of some shards, in order; a row is known by its number.

    It can be sent to other processes; those that are forked share what is known of the offsets.
    """

    def __init__(self, shards: Sequence[Path]) -> None:
        self._groups: list[tuple[Path, int]] = []
        self._starts = [0]
        for shard in shards:
            for group, rows in enumerate(group_sizes(shard)):
                self._groups.append((shard, group))
                self._starts.append(self._starts[-1] + rows)
        self._shards = list(shards)
        self._open()

    def _open(self) -> None:
        self._files = lru_cache(maxsize=MAPPED)(_mapped)
        self._held = lru_cache(maxsize=HELD)(self._read)
        rows = max(len(self), 1)
        # Anonymous maps: what one forked process finds, the others know.
        self._offsets = np.frombuffer(mmap.mmap(-1, 8 * rows), np.int64)
        self._lengths = np.frombuffer(mmap.mmap(-1, 4 * rows), np.int32)

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("_groups", "_starts", "_shards")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __len__(self) -> int:
        return self._starts[-1]

    def png(self, row: int) -> bytes:
        """Return the PNG of a row.

        Raises:
            UserError: the row has no image, or its shard cannot be read.
        """
        content = self._png(row)
        if content is None:
            shard, _ = self._groups[bisect_right(self._starts, row) - 1]
            raise UserError(f"row {row} of {shard.parent} has no image")
        return content

    def pictured(self, row: int) -> bool:
        """Return whether a row has an image.

        Raises:
            UserError: its shard cannot be read.
        """
        return self._png(row) is not None

    def _png(self, row: int) -> bytes | None:
        group = bisect_right(self._starts, row) - 1
        shard, _ = self._groups[group]
        with readable(shard):
            if self._offsets[row] == UNKNOWN:
                self._locate(group)
            offset, length = int(self._offsets[row]), int(self._lengths[row])
            if offset == ABSENT:
                return None
            if offset == UNMAPPED:
                found: bytes | None = self._held(group)[row - self._starts[group]].as_py()
                return found
            return self._files(shard)[offset : offset + length]

    def columns(self, names: Sequence[str] | None = None) -> pa.Table:
        """Return columns of all rows.

        None is all but the pixels and features, with the image's `source`.

        Raises:
            UserError: a shard lacks one of them, or cannot be read.
        """
        return pa.concat_tables([_columns(shard, names) for shard in self._shards])

    def _locate(self, group: int) -> None:
        """Note where the PNGs of a row group are in the file."""
        shard, number = self._groups[group]
        chunk = _pixels(opened(shard).metadata.row_group(number))
        offsets, lengths = self._offsets, self._lengths
        row, position = self._starts[group], chunk.data_page_offset
        if chunk.compression != "UNCOMPRESSED" or chunk.has_dictionary_page:
            offsets[row : self._starts[group + 1]] = UNMAPPED
            return
        mapped = self._files(shard)
        end = position + chunk.total_compressed_size
        for content in self._images(group):
            if content is None:
                offsets[row] = ABSENT
            # Found by its content, so what is read there later cannot be anything else.
            elif (found := mapped.find(content, position, end)) < 0:
                offsets[row] = UNMAPPED
            else:
                position = found + len(content)
                lengths[row], offsets[row] = len(content), found  # another may look in between
            row += 1

    def _images(self, group: int) -> Iterator[pa.Buffer | None]:
        shard, number = self._groups[group]
        file = opened(shard)
        for batch in file.iter_batches(AT_ONCE, row_groups=[number], columns=[PIXELS]):
            yield from (cell.as_buffer() for cell in batch["image"].field("bytes"))

    def _read(self, group: int) -> pa.Array:
        shard, number = self._groups[group]
        rows = read_group(opened(shard), number, shard, [PIXELS])
        return rows["image"].combine_chunks().field("bytes")


def _mapped(shard: Path) -> mmap.mmap:
    with shard.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _pixels(group: Any) -> Any:
    chunks = (group.column(number) for number in range(group.num_columns))
    return next(chunk for chunk in chunks if chunk.path_in_schema == PIXELS)


def _columns(shard: Path, names: Sequence[str] | None) -> pa.Table:
    if names is not None:
        return columns(shard, names)
    told = [name for name in schema(shard).names if name not in ("image", FEATURES)]
    return without_pixels(columns(shard, [*told, "image.path"]))
