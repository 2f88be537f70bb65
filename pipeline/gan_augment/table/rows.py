"""Rows of the image table: from arrays, and back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.table.columns import NULLABLE, classes_of, schema
from gan_augment.table.pixels import from_png, pixel_hash, png

Column = str | int | float | Sequence[Any] | NDArray[Any] | None
"""Values of a column, one a row; a scalar stands for every row."""


@dataclass(frozen=True)
class Images:
    """Decoded rows of an image table.

    Attributes:
        pixels: uint8, N×C×H×W, 0–255, C 1 (grey) or 3 (RGB).
        labels: int64, N, class indices.
        classes: class names, in index order.
        rows: the other columns, one line a row.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows of each class, int64."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)


def encode(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    split: str | Sequence[str],
    origin: str,
    **columns: Column,
) -> pa.Table:
    """Turn decoded images into rows of the table.

    Args:
        pixels: uint8, N×C×H×W.
        labels: int64, N.
        classes: class names, in index order.
        split: one split for all rows, or one a row.
        origin: real or synthetic.
        columns: `path` (of the source file) and any other column; a scalar stands for every row.
            A missing `group` is the row's id, so that exact duplicates stay together.
    """
    ids = [pixel_hash(image) for image in pixels]
    pngs = [png(image) for image in pixels]
    return pack(pngs, ids, labels, classes, split=split, origin=origin, **columns)


def pack(
    pngs: Sequence[bytes],
    ids: Sequence[str],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    split: str | Sequence[str],
    origin: str,
    **columns: Column,
) -> pa.Table:
    """Turn images that are encoded already into rows of the table.

    Args:
        pngs: N images as made by `png`.
        ids: N hashes as made by `pixel_hash`.
        labels: as for `encode`, like all that follow.
        classes: class names.
        split: one, or one a row.
        origin: real or synthetic.
        columns: others.
    """
    n = len(labels)
    values = {"split": split, "origin": origin, **columns}
    lists = {
        k: [v] * n if v is None or isinstance(v, str | int | float) else list(v)
        for k, v in values.items()
    }
    lists["id"] = list(ids)
    lists.setdefault("group", lists["id"])
    paths = lists.pop("path", [None] * n)
    lists["image"] = [
        {"bytes": content, "path": path} for content, path in zip(pngs, paths, strict=True)
    ]
    lists["label"] = labels.tolist()
    table_schema = schema(classes)
    arrays = [pa.array(lists.get(f.name, [None] * n), type=f.type) for f in table_schema]
    return pa.Table.from_arrays(arrays, schema=table_schema)


def decode(rows: pa.Table) -> Images:
    """Decode rows of the table.

    Raises:
        UserError: an image that cannot be decoded, or another size than the one before it.
    """
    images = [from_png(cell["bytes"]) for cell in rows["image"].to_pylist()]
    if len({image.shape for image in images}) > 1:
        raise UserError("the table holds images of different sizes: run `gan-augment ingest` again")
    return Images(
        np.stack(images) if images else np.zeros((0, 1, 1, 1), np.uint8),
        rows["label"].to_numpy().astype(np.int64),
        classes_of(rows.schema),
        rows.drop_columns(["image", "label"]).to_pandas(types_mapper=NULLABLE.get),
    )


def without_pixels(rows: pa.Table) -> pa.Table:
    """Return rows with `source`, the path of the file that an image was read from, for `image`."""
    sources = pc.struct_field(rows["image"], "path")
    return rows.drop_columns(["image"]).append_column("source", sources)


def soft_labels(
    cells: Iterable[Sequence[float] | None], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Return class probabilities, float64 N×K: those of a row's cell, or 1 for its label."""
    found = np.eye(classes)[labels]
    for row, cell in enumerate(cells):
        if cell is not None:
            found[row] = cell
    return found
