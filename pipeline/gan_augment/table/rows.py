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
from gan_augment.subsample import subsample
from gan_augment.table.columns import FEATURES, NULLABLE, FeatureSpace, classes_of, schema, space_of
from gan_augment.table.pixels import from_png, pixel_hash, png

Column = str | int | float | Sequence[Any] | NDArray[Any] | None
"""Values of a column, one a row; a scalar stands for every row."""


@dataclass(frozen=True)
class Images:
    """Decoded rows of a sample table: images, or what a backbone sees in them.

    Attributes:
        pixels: uint8, N×C×H×W, 0–255, C 1 (grey) or 3 (RGB); or features, float32, N×F.
        labels: int64, N, class indices.
        classes: class names, in index order.
        rows: the other columns, one line a row.
        space: whose features they are; None for images.
    """

    pixels: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    rows: pd.DataFrame
    space: FeatureSpace | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def flat(self) -> NDArray[np.float64]:
        """Return a vector a row, float64 N×D: pixels from 0 to 1, or features as they are."""
        scale = 1 if self.space else 255
        return self.pixels.reshape(len(self), -1).astype(np.float64) / scale

    def select(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Images":
        """Return these rows, by number or a bool for each row, with all that is known of them."""
        return Images(
            self.pixels[rows],
            self.labels[rows],
            self.classes,
            self.rows.iloc[rows].reset_index(drop=True),
            self.space,
        )

    def at_most(self, most: int, seed: int) -> "Images":
        """Return a fair sample of about so many rows, in order and in memory; all if no more.

        Classes keep their shares, and one row each at least. See `gan_augment.subsample`.
        """
        if len(self) <= most:
            return self
        shares = np.rint(self.counts() * (most / len(self))).clip(1).astype(np.int64)
        return self.select(np.sort(subsample(self.labels, shares, seed, self.rows.get("group"))))

    def counts(self) -> NDArray[np.int64]:
        """Return the number of rows of each class, int64."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)


def encode(
    values: NDArray[Any],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    split: str | Sequence[str],
    origin: str,
    space: FeatureSpace | None = None,
    **columns: Column,
) -> pa.Table:
    """Turn decoded samples into rows of the table.

    Args:
        values: images, uint8 N×C×H×W, or features, float32 N×F.
        labels: int64, N.
        classes: class names, in index order.
        split: one split for all rows, or one a row.
        origin: real or synthetic.
        space: whose features they are; None for images.
        columns: `path` (of the source file) and any other column; a scalar stands for every row.
            A missing `group` is the row's id, so that exact duplicates stay together.
    """
    columns = {"id": [pixel_hash(value) for value in values], **columns}
    if space:
        columns[FEATURES] = list(values)
    else:
        columns["image"] = [png(image) for image in values]
    return pack(labels, classes, split=split, origin=origin, space=space, **columns)


def pack(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    split: str | Sequence[str],
    origin: str,
    space: FeatureSpace | None = None,
    **columns: Column,
) -> pa.Table:
    """Turn samples that are encoded already into rows of the table.

    Args:
        labels: as for `encode`, like all that follow.
        classes: class names.
        split: one, or one a row.
        origin: real or synthetic.
        space: of the features.
        columns: `image`, N images as made by `png`; `id`, N hashes as made by `pixel_hash`; others.
    """
    n = len(labels)
    values = {"split": split, "origin": origin, **columns}
    lists = {
        k: [v] * n if v is None or isinstance(v, str | int | float) else list(v)
        for k, v in values.items()
    }
    lists.setdefault("group", lists["id"])
    paths, images = (lists.pop(name, [None] * n) for name in ("path", "image"))
    lists["label"] = labels.tolist()
    table_schema = schema(classes, space)
    arrays = [
        _struct(images, paths, f.type)
        if f.name == "image"
        else pa.array(lists.get(f.name, [None] * n), type=f.type)
        for f in table_schema
    ]
    return pa.Table.from_arrays(arrays, schema=table_schema)


def _struct(images: Sequence[Any], paths: Sequence[Any], kind: pa.StructType) -> pa.StructArray:
    """Return the column `image` of bytes and paths; a row with neither has none."""
    cells = [
        pa.array(values, kind.field(name).type)
        for name, values in (("bytes", images), ("path", paths))
    ]
    missing = pc.and_(*(pc.is_null(cell) for cell in cells))
    return pa.StructArray.from_arrays(cells, fields=list(kind), mask=missing)


def decode(rows: pa.Table) -> Images:
    """Decode rows of the table: their features where there are some, else their images.

    Raises:
        UserError: an image that cannot be decoded, or another size than the one before it.
    """
    space = space_of(rows.schema)
    others = [name for name in rows.schema.names if name in ("image", "label", FEATURES)]
    return Images(
        _images(rows) if space is None else _features(rows, space),
        rows["label"].to_numpy().astype(np.int64),
        classes_of(rows.schema),
        rows.drop_columns(others).to_pandas(types_mapper=NULLABLE.get),
        space,
    )


def _images(rows: pa.Table) -> NDArray[np.uint8]:
    images = [from_png(cell["bytes"] if cell else None) for cell in rows["image"].to_pylist()]
    if len({image.shape for image in images}) > 1:
        raise UserError("the table holds images of different sizes: run `gan-augment ingest` again")
    return np.stack(images) if images else np.zeros((0, 1, 1, 1), np.uint8)


def _features(rows: pa.Table, space: FeatureSpace) -> NDArray[np.float32]:
    column = rows[FEATURES].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    if column.null_count or flat.size != len(rows) * space.width or not np.isfinite(flat).all():
        raise UserError(
            "the table has rows whose features are missing or not finite: run `gan-augment embed`"
        )
    return flat.reshape(len(rows), space.width)


def without_pixels(rows: pa.Table) -> pa.Table:
    """Return rows with `source`, the path of the file that an image was read from, for `image`."""
    sources = pc.struct_field(rows["image"], "path")
    return rows.drop_columns(["image"]).append_column("source", sources)


def soft_labels(
    cells: Iterable[Sequence[float] | None], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Return class probabilities, float64 N×K: those of a row's cell, or 1 for its label.

    Raises:
        UserError: a cell has not one for each class.
    """
    found = np.eye(classes)[labels]
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        if len(cell) != classes:
            raise UserError(f"row {row} has {len(cell)} soft labels for {classes} classes")
        found[row] = cell
    return found
