"""Decoded images on disk, until the split of each is known.

A source is read once: its images are decoded on all cores, encoded as the table stores them, and
spooled with what the checks for duplicates and the report need. Memory holds a few hundred images.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from gan_augment import engine, table
from gan_augment.errors import UserError
from gan_augment.ingest.decode import Decoded, Rejected, decode
from gan_augment.ingest.duplicates import difference_hashes, thumbnails
from gan_augment.ingest.sources.raw import Found, RawImage
from gan_augment.params import IngestParams
from gan_augment.progress import progress

CHUNK = 64
"""Images that a core decodes at a time."""
CHUNK_BYTES = 2**26
"""Encoded bytes of theirs from which on fewer are."""
MANY = 2_000
"""Images from which on processes are worth their start."""
GROUP_ROWS = 1_024
_SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "label": pa.string(),
        "split": pa.string(),
        "group": pa.string(),
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


class Spooled(NamedTuple):
    """What came of a source.

    Attributes:
        path: Parquet file of the images that passed, in the source's order.
        rejects: those that did not.
        notes: what was done to how many images.
        size: height and width of all images.
        channels: 3 if any image has colour, else 1.
        bits: how many 16-bit images need how many bits.
        levels: the least and the largest value of all images, 0–255.
    """

    path: Path
    rejects: list[Reject]
    notes: Counter[str]
    size: tuple[int, int]
    channels: int
    bits: Counter[int]
    levels: tuple[int, int]

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

    def thumbnails_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the thumbnails of some images (ascending rows), flat: uint8, M×D."""
        found = []
        for part in self.read(["thumbnail", "grey"], rows):
            flat = [
                np.tile(np.frombuffer(cell.as_py(), np.uint8), 3 if tripled else 1)
                for cell, tripled in zip(part["thumbnail"], self._tripled(part), strict=True)
            ]
            found += [np.stack(flat)] if flat else []
        return np.concatenate(found)

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

    def _tripled(self, part: pa.RecordBatch) -> list[bool]:
        """Return which images are stored in colour, though they are grey."""
        return [grey and self.channels == 3 for grey in part["grey"].to_pylist()]

    def read(
        self, columns: list[str], rows: NDArray[np.int64] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all images, or of some (ascending rows), a row group at a time."""
        start = 0
        with pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(GROUP_ROWS, columns=columns):
                end = start + len(batch)
                if rows is None:
                    yield batch
                else:
                    here = slice(*np.searchsorted(rows, (start, end)))
                    yield batch.take(pa.array(rows[here] - start))
                start = end


def spool(found: Found, path: Path, params: IngestParams, bits: int = 16) -> Spooled:
    """Decode all images of a source to a spool file.

    Args:
        found: what the source holds.
        path: the file to write.
        params: of ingestion.
        bits: see `decode`.

    Raises:
        UserError: too many are rejected, sizes differ where none is asked for, or the source ends
            in an error of its own.
    """
    rejects: list[Reject] = []
    notes: Counter[str] = Counter()
    sizes: dict[tuple[int, int], str] = {}
    used: Counter[int] = Counter()
    levels = (255, 0)
    colour = params.channels == 3
    done = 0
    with path.open("wb") as file, pq.ParquetWriter(file, _SCHEMA, compression="none") as writer:
        pending: list[pa.RecordBatch] = []
        with progress("ingest", found.total, "images") as advance:
            chunks = engine.stream(
                partial(_decode_chunk, params=params, bits=bits),
                _chunks(found.images),
                processes=found.portable and found.total >= MANY,
            )
            for chunk in chunks:
                rejects += chunk.rejects
                notes += chunk.notes
                done += len(chunk.rows) + len(chunk.rejects)
                sizes |= {size: name for size, name in chunk.sizes.items() if size not in sizes}
                _one_size(sizes)
                _few_rejects(rejects, found.total, params)
                colour = colour or chunk.colour
                used += chunk.bits
                levels = min(levels[0], chunk.levels[0]), max(levels[1], chunk.levels[1])
                pending.append(chunk.rows)
                if sum(map(len, pending)) >= GROUP_ROWS:
                    writer.write_table(pa.Table.from_batches(pending))
                    pending = []
                advance(done)
        writer.write_table(pa.Table.from_batches(pending, _SCHEMA))
    if not sizes:
        raise UserError(f"none of the {found.total} images can be used: {reasons(rejects)}")
    return Spooled(path, rejects, notes, next(iter(sizes)), 3 if colour else 1, used, levels)


class _Chunk(NamedTuple):
    rows: pa.RecordBatch
    rejects: list[Reject]
    notes: Counter[str]
    sizes: dict[tuple[int, int], str]
    colour: bool
    bits: Counter[int]
    levels: tuple[int, int]


def _chunks(images: Iterable[RawImage]) -> Iterator[list[RawImage]]:
    """Yield images in lists of CHUNK, or of fewer that hold CHUNK_BYTES together."""
    chunk: list[RawImage] = []
    held = 0
    for image in images:
        chunk.append(image)
        held += image.held
        if len(chunk) == CHUNK or held >= CHUNK_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _decode_chunk(images: list[RawImage], params: IngestParams, bits: int) -> _Chunk:
    # ingest.max_pixels decides, not the lower number at which Pillow warns.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    good: list[tuple[RawImage, Decoded]] = []
    rejects = []
    for image in images:
        try:
            good.append((image, decode(image, params, bits)))
        except Rejected as reason:
            rejects.append(Reject(image.name, image.label or "", str(reason)))
    sizes: dict[tuple[int, int], str] = {}
    for image, decoded in good:
        sizes.setdefault(decoded.pixels.shape[1:], image.name)
    colour = any(len(decoded.pixels) == 3 for _, decoded in good)
    # Of several sizes the run stops, and the rows are not used.
    rows = _rows(good if len(sizes) == 1 else [], colour, params)
    notes = Counter(note for _, decoded in good for note in decoded.notes)
    used = Counter(decoded.bits for _, decoded in good if decoded.bits is not None)
    low = min((int(decoded.pixels.min()) for _, decoded in good), default=255)
    high = max((int(decoded.pixels.max()) for _, decoded in good), default=0)
    return _Chunk(rows, rejects, notes, sizes, colour, used, (low, high))


def _rows(
    images: list[tuple[RawImage, Decoded]], colour: bool, params: IngestParams
) -> pa.RecordBatch:
    if not images:
        return pa.RecordBatch.from_pylist([], _SCHEMA)
    planes = 3 if colour else 1
    pixels = [decoded.pixels for _, decoded in images]
    block = np.stack([np.broadcast_to(image, (planes, *image.shape[1:])) for image in pixels])
    grey = [len(image) == 1 for image in pixels]
    columns: dict[str, Any] = {
        "name": [raw.name for raw, _ in images],
        "label": [raw.label for raw, _ in images],
        "split": [raw.split for raw, _ in images],
        "group": [raw.group for raw, _ in images],
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
    columns["mean"] = list(flat.mean(axis=2))
    columns["mean_square"] = list(np.einsum("ncp,ncp->nc", flat, flat) / flat.shape[2])
    arrays = [
        pa.array(columns.get(field.name, [None] * len(images)), type=field.type)
        for field in _SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def _one_size(sizes: dict[tuple[int, int], str]) -> None:
    shown = [f"{name} has {w}×{h} pixels" for (h, w), name in islice(sizes.items(), 2)]
    if len(sizes) > 1:
        raise UserError(
            f"the images have different sizes ({', '.join(shown)}): "
            "set ingest.image_size, for example 32"
        )


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
