"""Samples decoded once, into a file that is mapped into memory: sets may be larger than that.

Below `MAPPED_FROM` bytes images or features are simply read. What is mapped looks the same to
whoever uses it: an array, whose rows come from the disk as they are asked for.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment import engine, table
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.progress import progress
from gan_augment.storage import digest, replace_file

MAPPED_FROM = 2**28
"""Bytes of decoded images, or features, from which on they are mapped."""
BLOCK_ROWS, BLOCK_BYTES = 1_000, 2**24
"""Images that a worker decodes at a time, or fewer that hold so many bytes together."""
FOLDER = "pixels"


def read(path: Path, split: str, scratch: Path) -> table.Images:
    """Return the rows of a split as `table.read` does; what is large is mapped from a file.

    The file is made once for all stages, of images on all cores, in the folder `pixels` beside
    `scratch`; it is named by the hash of what the rows show, and takes the place of that of an
    earlier table.

    Args:
        path: the table.
        split: of which rows.
        scratch: the stage's own.

    Raises:
        UserError: no table there, or images of different sizes.
    """
    shards, space = tuple(table.shards(path, split)), table.space(path)
    rows = table.Rows(shards)
    if not len(rows):
        return table.read(path, split)
    shape = (len(rows), *((space.width,) if space else table.from_png(rows.png(0)).shape))
    kind = np.dtype(np.float32 if space else np.uint8)
    if prod(shape) * kind.itemsize < MAPPED_FROM:
        return table.read(path, split)
    folder = scratch.parent / FOLDER
    # The id of an image is a hash of what it shows; that of features says of which image they are.
    values: list[str | Path] = [repr(space), *shards] if space else []
    shown = digest(table.table_hash(path, split), *values)
    what = f"{split}-{'features' if space else 'images'}"
    file = folder / f"{what}-{shown}.npy"
    with locked(folder / "lock", f"the samples of {path} are being decoded"):
        if not file.exists():
            for earlier in folder.glob(f"{what}-*.npy"):
                earlier.unlink()
            parts = _features(path, split) if space else _images(shards, shown, shape)
            _write(parts, shape, kind, file)
    told = rows.columns().drop_columns(["label", "source"])
    return table.Images(
        np.load(file, mmap_mode="c"),  # a private map: torch warns of one that is read-only
        table.labels(path, split),
        table.class_names(path),
        told.to_pandas(types_mapper=table.NULLABLE.get),
        space,
    )


def _write(
    parts: Iterator[NDArray[Any]], shape: tuple[int, ...], kind: "np.dtype[Any]", file: Path
) -> None:
    """Write parts of an array, in order, as one.

    Not through a map: where the disk is full, that kills the process.
    """
    about = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    done = 0
    with (
        replace_file(file) as partial_file,
        partial_file.open("wb") as held,
        progress("decode", shape[0], "samples") as advance,
    ):
        np.lib.format.write_array_header_1_0(held, about)
        for part in parts:
            held.write(part.astype(kind, copy=False).tobytes())
            done += len(part)
            advance(done)


def _features(path: Path, split: str) -> Iterator[NDArray[np.float32]]:
    """Yield the features of a split, a row group at a time."""
    return (part.pixels for part in table.stream(path, split))


def _images(
    shards: tuple[Path, ...], shown: str, shape: tuple[int, ...]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of some shards, uint8 N×C×H×W, decoded on all cores.

    Raises:
        UserError: they are not of one size.
    """
    resolved = tuple(shard.resolve() for shard in shards)  # workers may be elsewhere
    size = max(1, min(BLOCK_ROWS, BLOCK_BYTES // prod(shape[1:])))
    blocks = [range(start, min(start + size, shape[0])) for start in range(0, shape[0], size)]
    for images in engine.stream(partial(_decode, resolved, shown), blocks, processes=True):
        if images.shape[1:] != shape[1:]:
            raise UserError(
                f"{shards[0].parent} holds images of different sizes: run `gan-augment ingest`"
            )
        yield images


def _decode(shards: tuple[Path, ...], shown: str, block: range) -> NDArray[np.uint8]:
    rows = _rows(shards, shown)
    images = [table.from_png(rows.png(row)) for row in block]
    sizes = {image.shape for image in images}
    return np.stack(images) if len(sizes) == 1 else np.zeros((0, 0, 0, 0), np.uint8)


@lru_cache(maxsize=1)
def _rows(shards: tuple[Path, ...], _: str) -> table.Rows:
    """Return the rows as a process knows them, which show this, and where it has found images."""
    return table.Rows(shards)
