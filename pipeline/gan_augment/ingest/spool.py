"""Decoded images on disk, until the split of each is known.

A source is read once: its images are decoded on all cores, encoded as the table stores them, and
spooled with what the checks for duplicates and the report need. Memory holds a few hundred images,
and of large ones fewer.
"""

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest import chunks
from gan_augment.ingest.decode import Decoded, NoSize, Rejected, decode
from gan_augment.ingest.duplicates import difference_hashes, thumbnails
from gan_augment.ingest.sizes import Size
from gan_augment.ingest.sources.raw import Found, RawImage
from gan_augment.params import IngestParams
from gan_augment.progress import progress

GROUP_ROWS, GROUP_BYTES = 1_024, 2**25
"""Images that are written and read at a time, or fewer that hold so many bytes together."""
BLOCK_BYTES = 2**18
"""Pixels in bytes that are measured at a time: as floats they still fit into a core's cache."""
_SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "label": pa.string(),
        "split": pa.string(),
        "group": pa.string(),
        "folder": pa.string(),
        "png": pa.binary(),
        "id": pa.string(),
        "grey": pa.bool_(),
        "width": pa.int32(),
        "height": pa.int32(),
        "thumbnail": pa.binary(),
        "hash": pa.uint64(),
        "mean": pa.list_(pa.float64()),
        "mean_square": pa.list_(pa.float64()),
    }
)


class Reject(NamedTuple):
    """An image that is left out, and why."""

    file: str
    label: str
    reason: str


@dataclass
class Tally:
    """What is counted of images, besides their rows.

    Attributes:
        colour: whether any has.
        size: height and width of all, if there are any.
        rejects: those that did not pass.
        notes: what was done to how many.
        bits: how many 16-bit images need how many bits.
        levels: the least and the largest value of all, 0–255.
    """

    colour: bool = False
    size: Size | None = None
    rejects: list[Reject] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    bits: Counter[int] = field(default_factory=Counter)
    levels: tuple[int, int] = (255, 0)

    @property
    def grey_bits(self) -> int | None:
        """How many bits of 16-bit images are in use, 8 to 16; None without such images."""
        return max(*self.bits, 8) if self.bits else None

    def count(self, decoded: Decoded) -> None:
        """Count one more image.

        Raises:
            NoSize: it is of another size than those before.
        """
        planes, height, width = decoded.pixels.shape
        self._of_one_size((height, width))
        self.colour |= planes == 3
        for note in decoded.notes:
            self.notes[note] += 1
        if decoded.bits is not None:
            self.bits[decoded.bits] += 1
        low, high = self.levels
        self.levels = min(low, int(decoded.pixels.min())), max(high, int(decoded.pixels.max()))

    def add(self, other: "Tally") -> None:
        """Count others too.

        Raises:
            NoSize: they are of another size.
        """
        self._of_one_size(other.size)
        self.colour |= other.colour
        self.rejects += other.rejects
        self.notes += other.notes
        self.bits += other.bits
        low, high = zip(self.levels, other.levels, strict=True)
        self.levels = min(low), max(high)

    def _of_one_size(self, size: Size | None) -> None:
        if None not in (self.size, size) and self.size != size:
            raise NoSize
        self.size = self.size or size


class Spooled(NamedTuple):
    """What came of a source.

    Attributes:
        path: Parquet file of the images that passed, in the source's order.
        tally: of all images.
        size: height and width of all that passed.
    """

    path: Path
    tally: Tally
    size: Size

    @property
    def channels(self) -> int:
        """3 if any image has colour, else 1."""
        return 3 if self.tally.colour else 1

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column of all images."""
        return pq.read_table(self.path, columns=[name])[name]

    def ids(self) -> list[str]:
        """Return the hashes of the pixels as they will be stored, N."""
        if self.channels == 1:
            return self.column("id").to_pylist()
        return [
            table.pixel_hash(_in_colour(table.from_png(png.as_py())))
            if grey.as_py()
            else id_.as_py()
            for batch in self.read(["id", "png", "grey"])
            for id_, png, grey in zip(*batch.columns, strict=True)
        ]

    def sizes(self) -> NDArray[np.int32]:
        """Return height and width of all images before they were resized, N×2."""
        sides = [self.column(side).to_numpy() for side in ("height", "width")]
        return np.stack(sides, axis=1)

    def thumbnails(self) -> NDArray[np.uint8]:
        """Return the thumbnails of all images, flat: uint8, N×D, mapped from a file that it writes.

        They are looked at in any order, and take less memory than others need.
        """
        mapped = self.path.with_suffix(".thumbnails")
        count = 0
        with mapped.open("wb") as file:
            for part in self.read(["thumbnail", "grey"]):
                cells = zip(part["thumbnail"].to_pylist(), self._tripled(part), strict=True)
                file.write(b"".join(cell * (3 if tripled else 1) for cell, tripled in cells))
                count += len(part)
        return np.memmap(mapped, np.uint8, "r").reshape(count, -1)

    def channel_levels(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return `mean` or `mean_square` of some images (ascending rows), M×channels."""
        found = []
        for part in self.read([name], rows):
            cells = part[name].to_pylist()  # of grey images, one number or three equal ones
            found += [np.array([cell * (self.channels // len(cell)) for cell in cells])]
        return np.concatenate([levels for levels in found if len(levels)])

    def pngs(self, rows: NDArray[np.int64]) -> Iterator[list[bytes]]:
        """Yield some images (ascending rows) as they will be stored, a row group at a time."""
        for part in self.read(["png", "grey"], rows):
            yield [
                table.png(_in_colour(table.from_png(png.as_py())))
                if grey.as_py() and self.channels == 3
                else png.as_py()
                for png, grey in zip(*part.columns, strict=True)
            ]

    def _tripled(self, part: pa.Table) -> list[bool]:
        """Return which images are stored in colour, though they are grey."""
        return [grey and self.channels == 3 for grey in part["grey"].to_pylist()]

    def read(self, columns: list[str], rows: NDArray[np.int64] | None = None) -> Iterator[pa.Table]:
        """Yield some columns of all images, or of some (ascending rows), a row group at a time."""
        start = 0
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                part = file.read_row_group(group, columns)
                end = start + len(part)
                if rows is None:
                    yield part
                else:
                    here = slice(*np.searchsorted(rows, (start, end)))
                    yield part.take(pa.array(rows[here] - start))
                start = end


def spool(found: Found, path: Path, params: IngestParams, bits: int = 16) -> Spooled:
    """Decode all images of a source to a spool file.

    Args:
        found: what the source holds.
        path: the file to write.
        params: of ingestion.
        bits: see `decode`.

    Raises:
        NoSize: images are of several sizes or too large, and `params.image_size` is not set.
        UserError: too many are rejected, or the source ends in an error of its own.
    """
    tally = Tally(colour=params.channels == 3)
    height, width = params.image_size or (0, 0)
    decoded = chunks.each(
        partial(_decode_chunk, params=params, bits=bits), found, stored=3 * height * width
    )
    done = 0
    with path.open("wb") as file, pq.ParquetWriter(file, _SCHEMA, compression="none") as writer:
        pending: list[pa.RecordBatch] = []
        held = 0
        with progress("ingest", found.total, "images") as advance:
            for chunk in decoded:
                tally.add(chunk.tally)
                _few_rejects(tally.rejects, found.total, params)
                for rows in chunk.rows:
                    pending.append(rows)
                    held += rows.nbytes
                    if held >= GROUP_BYTES or sum(map(len, pending)) >= GROUP_ROWS:
                        writer.write_table(pa.Table.from_batches(pending))
                        pending, held = [], 0
                done += chunk.images
                advance(done)
        writer.write_table(pa.Table.from_batches(pending, _SCHEMA))
    if tally.size is None:
        raise UserError(f"none of the {found.total} images can be used: {reasons(tally.rejects)}")
    return Spooled(path, tally, tally.size)


class _Chunk(NamedTuple):
    images: int
    rows: list[pa.RecordBatch]
    tally: Tally


def _decode_chunk(images: list[RawImage], params: IngestParams, bits: int) -> _Chunk:
    # ingest.max_pixels decides, not the lower number at which Pillow warns.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    tally = Tally()
    rows = [_rows(block, params) for block in _blocks(images, params, bits, tally)]
    return _Chunk(len(images), rows, tally)


def _blocks(
    images: list[RawImage], params: IngestParams, bits: int, tally: Tally
) -> Iterator[list[tuple[RawImage, Decoded]]]:
    """Yield the images that pass, decoded, a few at a time, and count all."""
    block: list[tuple[RawImage, Decoded]] = []
    held = 0
    for image in images:
        try:
            decoded = decode(image, params, bits)
        except Rejected as reason:
            tally.rejects.append(Reject(image.name, image.label or "", str(reason)))
            continue
        tally.count(decoded)
        block.append((image, decoded))
        held += decoded.pixels.nbytes
        if held >= BLOCK_BYTES:
            yield block
            block, held = [], 0
    if block:
        yield block


def _rows(images: list[tuple[RawImage, Decoded]], params: IngestParams) -> pa.RecordBatch:
    pixels = [decoded.pixels for _, decoded in images]
    planes = max(map(len, pixels))
    block = np.stack([np.broadcast_to(image, (planes, *image.shape[1:])) for image in pixels])
    grey = [len(image) == 1 for image in pixels]
    columns: dict[str, Any] = {
        "name": [raw.name for raw, _ in images],
        "label": [raw.label for raw, _ in images],
        "split": [raw.split for raw, _ in images],
        "group": [raw.group for raw, _ in images],
        "folder": [raw.folder for raw, _ in images],
        "png": [table.png(image) for image in pixels],
        "id": [table.pixel_hash(image) for image in pixels],
        "grey": grey,
        "width": [decoded.size[0] for _, decoded in images],
        "height": [decoded.size[1] for _, decoded in images],
    }
    if params.duplicates.near is not None:
        small = thumbnails(block)
        brightness = small.mean(axis=1).round().astype(np.uint8)
        columns["thumbnail"] = [
            (thumbnail[:1] if is_grey else thumbnail).tobytes()
            for thumbnail, is_grey in zip(small, grey, strict=True)
        ]
        columns["hash"] = difference_hashes(brightness)
    flat = block.reshape(len(block), planes, -1).astype(np.float32)
    count = flat.shape[2]
    columns["mean"] = list(flat @ np.full(count, 1 / count, np.float32))
    columns["mean_square"] = list(np.vecdot(flat, flat) / count)
    arrays = [
        pa.array(columns.get(field.name, [None] * len(images)), type=field.type)
        for field in _SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _few_rejects(rejects: list[Reject], total: int, params: IngestParams) -> None:
    if len(rejects) > params.max_rejected * total:
        raise UserError(
            f"{len(rejects)} of {total} images fail a check, more than ingest.max_rejected = "
            f"{params.max_rejected:g}: {reasons(rejects)}"
        )


def reasons(rejects: list[Reject]) -> str:
    """Name the first images that were rejected, each with its reason."""
    shown = "; ".join(f"{reject.file} {reject.reason}" for reject in rejects[:3])
    return shown + ("; …" if len(rejects) > 3 else "")


def _in_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey uint8 1×H×W image as 3×H×W."""
    return image.repeat(3, axis=0)
