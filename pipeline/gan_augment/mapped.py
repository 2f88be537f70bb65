"""Images decoded once, into a file that is mapped into memory: sets may be larger than that.

Below `MAPPED_FROM` bytes images are simply read. What is mapped looks the same to whoever uses it:
an array, whose rows come from the disk as they are asked for.
"""

from functools import lru_cache, partial
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_augment import engine, table
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.progress import progress
from gan_augment.storage import replace_file

MAPPED_FROM = 2**28
"""Bytes of decoded images from which on they are mapped."""
BLOCK_ROWS, BLOCK_BYTES = 1_000, 2**24
"""Images that a worker decodes at a time, or fewer that hold so many bytes together."""
FOLDER = "pixels"


def read(path: Path, split: str, scratch: Path) -> table.Images:
    """Return the rows of a split as `table.read` does; large images are mapped from a file.

    The file is made once for all stages, on all cores, in the folder `pixels` beside `scratch`; it
    is named by the hash of what the rows show, and takes the place of that of an earlier table.
    Features are read as they are.

    Args:
        path: the table.
        split: of which rows.
        scratch: the stage's own.

    Raises:
        UserError: no table there, or images of different sizes.
    """
    shards = tuple(table.shards(path, split))
    rows = table.Rows(shards)
    if table.space(path) or not len(rows):
        return table.read(path, split)
    shape = table.from_png(rows.png(0)).shape
    if len(rows) * prod(shape) < MAPPED_FROM:
        return table.read(path, split)
    folder = scratch.parent / FOLDER
    shown = table.table_hash(path, split)
    file = folder / f"{split}-{shown}.npy"
    with locked(folder / "lock", f"the images of {path} are being decoded"):
        if not file.exists():
            for earlier in folder.glob(f"{split}-*.npy"):
                earlier.unlink()
            _decode(shards, shown, (len(rows), *shape), file)
    told = rows.columns().drop_columns(["label", "source"])
    return table.Images(
        np.load(file, mmap_mode="c"),  # a private map: torch warns of one that is read-only
        table.labels(path, split),
        table.class_names(path),
        told.to_pandas(types_mapper=table.NULLABLE.get),
    )


def _decode(shards: tuple[Path, ...], shown: str, shape: tuple[int, ...], file: Path) -> None:
    """Write all images of some shards as one array, uint8 N×C×H×W."""
    resolved = tuple(shard.resolve() for shard in shards)  # workers may be elsewhere
    size = max(1, min(BLOCK_ROWS, BLOCK_BYTES // prod(shape[1:])))
    blocks = [range(start, min(start + size, shape[0])) for start in range(0, shape[0], size)]
    with replace_file(file) as partial_file, progress("decode", shape[0], "images") as advance:
        held = np.lib.format.open_memmap(partial_file, "w+", np.uint8, shape)
        decoded = engine.stream(partial(_images, resolved, shown), blocks, processes=True)
        for block, images in zip(blocks, decoded, strict=True):
            if images.shape[1:] != shape[1:]:
                raise UserError(
                    f"{shards[0].parent} holds images of different sizes: run `gan-augment ingest`"
                )
            held[block.start : block.stop] = images
            advance(block.stop)
        held.flush()


def _images(shards: tuple[Path, ...], shown: str, block: range) -> NDArray[np.uint8]:
    rows = _rows(shards, shown)
    images = [table.from_png(rows.png(row)) for row in block]
    sizes = {image.shape for image in images}
    return np.stack(images) if len(sizes) == 1 else np.zeros((0, 0, 0, 0), np.uint8)


@lru_cache(maxsize=1)
def _rows(shards: tuple[Path, ...], _: str) -> table.Rows:
    """Return the rows as a process knows them, which show this, and where it has found images."""
    return table.Rows(shards)
