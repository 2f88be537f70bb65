"""Reading an image table: one split or all, a row group at a time or whole."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.table import shard as one
from gan_augment.table.columns import (
    SPLITS,
    FeatureSpace,
    Fit,
    bits_of,
    classes_of,
    fit_of,
    schema,
    space_of,
)
from gan_augment.table.rows import Images, decode
from gan_augment.table.shard import opened, readable

Kind = Literal["auto", "features", "pixels"]
NUMBERED = re.compile(r"[a-z]+-\d{5}\.parquet")


def scan(path: Path, split: str | None = None) -> Iterator[pa.Table]:
    """Yield the rows undecoded, a row group at a time; with `split`, only that split's files.

    Raises:
        UserError: no table there, or a shard that cannot be read.
    """
    for shard in shards(path, split):
        with readable(shard):
            file = opened(shard)
        for group in range(file.num_row_groups):
            yield one.read_group(file, group, shard)


def stream(path: Path, split: str | None = None) -> Iterator[Images]:
    """Yield decoded rows, a row group at a time: memory does not grow with the table."""
    for rows in scan(path, split):
        yield decode(rows)


def read(path: Path, split: str | None = None) -> Images:
    """Return all rows decoded: images as one array N×C×H×W, features as N×F, and what they are.

    Raises:
        UserError: no table there, no rows, or images of different sizes.
    """
    parts = [part for part in stream(path, split) if len(part)]
    if not parts:
        return decode(schema(class_names(path), space(path)).empty_table())
    if len({part.pixels.shape[1:] for part in parts}) > 1:
        raise UserError(f"{path} holds images of different sizes: run `gan-augment ingest` again")
    return Images(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.labels for part in parts]),
        parts[0].classes,
        pd.concat([part.rows for part in parts], ignore_index=True),
        parts[0].space,
    )


def samples(inputs: Mapping[str, Path], kind: Kind = "auto") -> Path:
    """Return the table whose samples are generated: of features or of images.

    Args:
        inputs: `real`, a table of images; `features`, a table of what a backbone sees in them, or
            a folder without one.
        kind: `auto` is features if there are any, else images.

    Raises:
        UserError: the features are of other images, or there are none where they are asked for.
    """
    features = embedded(inputs)
    if features is None and kind == "features":
        raise UserError(
            "generate.space = 'features', but no backbone looks at the images: name one in "
            "embed.backbone, or set generate.space to auto"
        )
    return inputs["real"] if features is None or kind == "pixels" else features


def embedded(inputs: Mapping[str, Path]) -> Path | None:
    """Return the table of what a backbone sees in the images, if one did; arguments of `samples`.

    Raises:
        UserError: the features are of other images.
    """
    real, features = inputs["real"], inputs.get("features")
    if features is None or not any(features.glob("*.parquet")):
        return None
    if table_hash(features) != table_hash(real):
        raise UserError(f"{features} is of other images than {real}: run `gan-augment embed`")
    return features


def class_names(path: Path) -> tuple[str, ...]:
    """Return the class names in index order."""
    return classes_of(one.schema(shards(path)[0]))


def space(path: Path) -> FeatureSpace | None:
    """Return whose features a table holds; None if it holds images."""
    return space_of(one.schema(shards(path)[0]))


def bits(path: Path) -> int | None:
    """Return how many bits of grey became the images' 8; None if that is not on record."""
    return bits_of(one.schema(shards(path)[0]))


def fit(path: Path) -> Fit:
    """Return what happened to images of another aspect ratio; the default if not on record."""
    return fit_of(one.schema(shards(path)[0]))


def shards(path: Path, split: str | None = None) -> list[Path]:
    """Return the table's files in order, all or those of one split.

    Raises:
        UserError: there is no image table at `path`, or a file between others is not there.
    """
    if not any(path.glob("*.parquet")):
        raise UserError(f"no image table at {path}: run the stage that makes it (`dvc repro`)")
    names = SPLITS if split is None else (split,)
    return [shard for name in names for shard in _of_split(path, name)]


def _of_split(path: Path, split: str) -> list[Path]:
    found = sorted(path.glob(f"{split}-*.parquet"))
    numbers = {int(shard.stem[-5:]) for shard in found if NUMBERED.fullmatch(shard.name)}
    if lost := set(range(max(numbers, default=0))) - numbers:
        advice = "get the table again, as by `dvc checkout` or `gan-augment pull`"
        raise UserError(f"{path} lacks {split}-{min(lost):05d}.parquet: {advice}")
    return found


def counts(path: Path, split: str | None = None) -> NDArray[np.int64]:
    """Return the number of rows of each class, int64, without reading any image."""
    return np.bincount(labels(path, split), minlength=len(class_names(path))).astype(np.int64)


def labels(path: Path, split: str | None = None) -> NDArray[np.int64]:
    """Return the labels of all rows, int64 N, without reading any image."""
    columns = [one.columns(shard, ["label"])["label"] for shard in shards(path, split)]
    return np.concatenate([np.zeros(0, np.int64), *(column.to_numpy() for column in columns)])


def table_hash(path: Path, split: str | None = None) -> str:
    """Return a hash of what the rows show (ids and labels, in order), as 16 hex digits."""
    total = hashlib.sha256()
    for shard in shards(path, split):
        rows = one.columns(shard, ["id", "label"])
        for identity, label in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            total.update(f"{identity} {label}\n".encode())
    return total.hexdigest()[:16]
