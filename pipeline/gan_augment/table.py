"""The image table: the one kind of data that flows between stages.

A directory of Parquet shards named by split (`train-00000.parquet`), readable as it is by Hugging
Face `datasets`, pandas, DuckDB and Polars. A reader of one split opens no other split's files:
this is how the test images stay sealed.

| column | type | meaning |
|---|---|---|
| image | struct<bytes, path> | PNG bytes; path of the source file |
| label | int64 | class index; names are in the schema metadata |
| split | string | train, validation or test |
| origin | string | real or synthetic |
| id | string | hash of the decoded pixels |
| group | string | rows that a split may not tear apart |

Synthetic rows also have, where it applies:

| column | type | meaning |
|---|---|---|
| method | string | gan, or the simpler method that made the row |
| generator | string | hash of the model |
| seed, index, requested_label | int64 | what the method made the row from |
| truncation | float64 | bound of the latents |
| gates | string | JSON: what each gate saw, see `gan_augment.synthesis.gates` |
| weight | float64 | probability of the label by the gates' classifiers, 0–1 |
| soft_labels | list<float64> | their probability of every class, in index order |
| nearest_id, nearest_distance | string, float64 | the closest training image of the class, and how
  far it is, in the space of principal components |
"""

import hashlib
import io
import json
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.storage import replace_directory

SPLITS = ("train", "validation", "test")
SHARD_ROWS = 20_000
ROW_GROUP_ROWS = 1_000
Column = str | int | float | Sequence[Any] | NDArray[Any] | None
"""Values of a column, one a row; a scalar stands for every row."""
PNG_FILTER, PNG_COLOUR = {1: 0, 3: 1}, {1: 0, 3: 2}
NULLABLE = {pa.int64(): pd.Int64Dtype()}

_COLUMNS: dict[str, tuple[pa.DataType, Mapping[str, Any]]] = {
    "image": (pa.struct({"bytes": pa.binary(), "path": pa.string()}), {"_type": "Image"}),
    "label": (pa.int64(), {"_type": "ClassLabel"}),
    **{
        name: (kind, {"_type": "Value", "dtype": dtype})
        for name, kind, dtype in (
            ("split", pa.string(), "string"),
            ("origin", pa.string(), "string"),
            ("id", pa.string(), "string"),
            ("group", pa.string(), "string"),
            ("method", pa.string(), "string"),
            ("generator", pa.string(), "string"),
            ("seed", pa.int64(), "int64"),
            ("index", pa.int64(), "int64"),
            ("requested_label", pa.int64(), "int64"),
            ("truncation", pa.float64(), "float64"),
            ("gates", pa.string(), "string"),
            ("weight", pa.float64(), "float64"),
            ("nearest_id", pa.string(), "string"),
            ("nearest_distance", pa.float64(), "float64"),
        )
    },
    "soft_labels": (
        pa.list_(pa.float64()),
        {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "float64"}},
    ),
}


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


def schema(classes: Sequence[str]) -> pa.Schema:
    """Return the Arrow schema, with the class names where `datasets` looks for them."""
    features = {name: dict(feature) for name, (_, feature) in _COLUMNS.items()}
    features["label"]["names"] = list(classes)
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)}
    return pa.schema([(name, kind) for name, (kind, _) in _COLUMNS.items()], metadata=metadata)


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


class Writer:
    """Writes an image table shard by shard; it takes its place only when all is written.

    Use as a context manager. Memory is bounded by what is appended at once. The same rows in the
    same order give the same bytes, however they were cut into `append` calls.
    """

    def __init__(self, path: Path, classes: Sequence[str], shard_rows: int = SHARD_ROWS) -> None:
        self._path, self._schema, self._shard_rows = path, schema(classes), shard_rows
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
            use_dictionary=others,
            compression={
                "image.bytes": "none",
                "image.path": "zstd",
                **dict.fromkeys(others, "zstd"),
            },
            write_statistics=others,
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


def write(path: Path, chunks: Iterable[pa.Table], classes: Sequence[str]) -> None:
    """Write chunks of rows as an image table, atomically."""
    with Writer(path, classes) as writer:
        for rows in chunks:
            writer.append(rows)


def scan(path: Path, split: str | None = None) -> Iterator[pa.Table]:
    """Yield the rows undecoded, a row group at a time; with `split`, only that split's files.

    Raises:
        UserError: no table there, or a shard that cannot be read.
    """
    for shard in shards(path, split):
        try:
            file = pq.ParquetFile(shard)
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{shard} is not a readable Parquet file: {error}") from None


def stream(path: Path, split: str | None = None) -> Iterator[Images]:
    """Yield decoded rows, a row group at a time: memory does not grow with the table."""
    for rows in scan(path, split):
        yield decode(rows)


def read(path: Path, split: str | None = None) -> Images:
    """Return all rows decoded into one uint8 array N×C×H×W, with labels and the other columns.

    Raises:
        UserError: no table there, no rows, or images of different sizes.
    """
    parts = [part for part in stream(path, split) if len(part)]
    if not parts:
        return Images(
            np.zeros((0, 1, 1, 1), np.uint8),
            np.zeros(0, np.int64),
            class_names(path),
            pd.DataFrame(),
        )
    if len({part.pixels.shape[1:] for part in parts}) > 1:
        raise UserError(f"{path} holds images of different sizes: run `gan-augment ingest` again")
    return Images(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.labels for part in parts]),
        parts[0].classes,
        pd.concat([part.rows for part in parts], ignore_index=True),
    )


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


def class_names(path: Path) -> tuple[str, ...]:
    """Return the class names in index order."""
    return classes_of(pq.read_schema(shards(path)[0]))


def shards(path: Path, split: str | None = None) -> list[Path]:
    """Return the table's files in order, all or those of one split.

    Raises:
        UserError: there is no image table at `path`.
    """
    if not any(path.glob("*.parquet")):
        raise UserError(f"no image table at {path}: run the stage that makes it (`dvc repro`)")
    names = SPLITS if split is None else (split,)
    return [shard for name in names for shard in sorted(path.glob(f"{name}-*.parquet"))]


def counts(path: Path, split: str | None = None) -> NDArray[np.int64]:
    """Return the number of rows of each class, int64, without reading any image."""
    classes = len(class_names(path))
    labels = [pq.read_table(shard, columns=["label"])["label"] for shard in shards(path, split)]
    found = [np.bincount(column.to_numpy(), minlength=classes) for column in labels]
    return np.sum([np.zeros(classes, np.int64), *found], axis=0)


def table_hash(path: Path, split: str | None = None) -> str:
    """Return a hash of what the rows show (ids and labels, in order), as 16 hex digits."""
    total = hashlib.sha256()
    for shard in shards(path, split):
        rows = pq.read_table(shard, columns=["id", "label"])
        for identity, label in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            total.update(f"{identity} {label}\n".encode())
    return total.hexdigest()[:16]


def pixel_hash(image: NDArray[np.uint8]) -> str:
    """Return the hash of one image's shape and pixels (uint8 C×H×W), 32 hex digits."""
    shape = np.array(image.shape, "<u4").tobytes()
    return hashlib.blake2b(shape + image.tobytes(), digest_size=16).hexdigest()


def picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return a Pillow image of a uint8 C×H×W array, C 1 or 3."""
    return Image.fromarray(
        image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a uint8 C×H×W image, C 1 or 3, as PNG bytes.

    Written here because Pillow's encoder takes twice as long on images of this size, most of the
    time that ingestion takes: one filter for all rows (none for grey, the difference to the pixel
    on the left for RGB) and zlib's strategy made for PNG (RFC 2083, sections 3 and 6).
    """
    channels, height, width = image.shape
    flat = image.transpose(1, 2, 0).reshape(height, width * channels)
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0], rows[:, 1:] = PNG_FILTER[channels], flat
    if PNG_FILTER[channels]:
        rows[:, 1 + channels :] -= flat[:, :-channels]
    deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    header = struct.pack(">IIBBBBB", width, height, 8, PNG_COLOUR[channels], 0, 0, 0)
    pixels = deflate.compress(rows.tobytes()) + deflate.flush()
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))
        for kind, content in chunks
    )


def from_png(content: bytes) -> NDArray[np.uint8]:
    """Return the uint8 C×H×W image that PNG bytes hold."""
    array = np.asarray(Image.open(io.BytesIO(content)))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def classes_of(table_schema: pa.Schema) -> tuple[str, ...]:
    """Return the class names that a schema holds, in index order.

    Raises:
        UserError: it holds none.
    """
    info = json.loads((table_schema.metadata or {}).get(b"huggingface", b"{}"))
    try:
        return tuple(info["info"]["features"]["label"]["names"])
    except KeyError:
        raise UserError("the table's schema names no classes: not an image table of ours") from None
