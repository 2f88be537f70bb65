"""Tables that list images, as paths or as bytes: CSV, and Parquet as Hugging Face writes it."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from gan_augment.errors import UserError, choose
from gan_augment.ingest.sources.raw import (
    SPLIT_NAMES,
    Found,
    RawImage,
    check_count,
    not_too_large,
    open_bytes,
    open_file,
    split_name,
)
from gan_augment.params import IngestParams

_USUAL = {
    "image": ("image", "img", "file", "path", "filename", "file_name", "image_path"),
    "label": ("label", "labels", "class", "target"),
    "split": ("split",),
    "group": ("group",),
}
"""Names of columns that are found by themselves."""
BATCH_ROWS = 256

Row = Mapping[str, Any]


def manifest_csv(params: IngestParams) -> Found:
    """Return the images that CSV files list: a column of paths, one of labels, if you like more.

    `params.path` is a CSV file or a folder of them (`params.files` picks some); paths in a file
    count from its own folder. `params.columns` names the columns, else the usual names are tried.

    Raises:
        UserError: no such files, not UTF-8, or a column is missing.
    """
    files = _files(params, "*.csv")
    total = 0
    for file in files:
        for _ in _csv_rows(file):
            total += 1
            check_count(total, params, str(params.path))
    return Found(total, _images(files, _csv_rows, _csv_columns, lambda _: None, params))


def manifest_parquet(params: IngestParams) -> Found:
    """Return the images of Parquet files, such as a Hugging Face image dataset.

    `params.path` is a file or a folder (`params.files` picks some, else all below it). The image
    column holds encoded bytes, a path, or Hugging Face's struct of both; class names are read from
    the metadata that `datasets` writes; a file named after a split, such as
    `train-00000-of-00002.parquet`, has that published split unless a column says otherwise.

    Raises:
        UserError: no such files, not Parquet, or a column is missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = _files(params, "**/*.parquet")
    total = 0
    for file in files:
        try:
            total += pq.ParquetFile(file).metadata.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{file} is not a readable Parquet file: {error}") from None
    check_count(total, params, str(params.path))
    return Found(total, _images(files, _parquet_rows, _parquet_columns, _class_names, params))


def _files(params: IngestParams, pattern: str) -> list[Path]:
    path = params.path
    if path.is_file():
        return [path]
    files = [file for file in sorted(path.glob(params.files or pattern)) if file.is_file()]
    if not files:
        raise UserError(
            f"ingest.path = {str(path)!r}: no file matches {params.files or pattern!r} there"
        )
    return files


def _images(
    files: Iterable[Path],
    rows: Callable[[Path, list[str]], Iterable[Row]],
    columns_of: Callable[[Path], list[str]],
    names_of: Callable[[Path], Mapping[str, list[str]] | None],
    params: IngestParams,
) -> Iterator[RawImage]:
    for file in files:
        columns = _columns(file, columns_of(file), params)
        classes = (names_of(file) or {}).get(columns["label"])
        published = _published(file, params)
        used = [column for column in columns.values() if column is not None]
        for number, row in enumerate(rows(file, used)):
            said = {role: row[c] if c else None for role, c in columns.items()}
            label = said["label"]
            if classes is not None and isinstance(label, int):
                label = classes[label] if 0 <= label < len(classes) else None
            path, opener = _image(said["image"], file, params)
            yield RawImage(
                path or f"{file.name}/{number:05d}",
                None if label is None or label == "" else str(label),
                opener,
                split_name(said["split"], f"{file}, row {number + 1}") or published,
                None if said["group"] in (None, "") else str(said["group"]),
            )


def _columns(file: Path, found: list[str], params: IngestParams) -> dict[str, Any]:
    """Return which column plays which role."""
    chosen: dict[str, str | None] = {}
    for role, usual in _USUAL.items():
        named = getattr(params.columns, role)
        if named is not None:
            choose(dict.fromkeys(found), named, f"ingest.columns.{role}")
        chosen[role] = named or next((name for name in usual if name in found), None)
    for role in ("image", "label"):
        if chosen[role] is None:
            raise UserError(
                f"{file} has none of the columns {', '.join(_USUAL[role])}: "
                f"name the one of {', '.join(found)} in ingest.columns.{role}"
            )
    return chosen


def _published(file: Path, params: IngestParams) -> str | None:
    """Return the split that a file's name or folder tells, as in train-00000-of-00002.parquet."""
    folders = file.relative_to(params.path).parts[:-1] if params.path.is_dir() else ()
    for word in (re.split(r"[-_.]", file.name)[0], *folders):
        if word in SPLIT_NAMES:
            return SPLIT_NAMES[word]
    return None


def _image(
    cell: Any, file: Path, params: IngestParams
) -> tuple[str | None, Callable[[], Image.Image]]:
    """Return the path that a cell of the image column tells, and what opens its picture."""
    match cell:
        case {"bytes": bytes() as content}:
            # The paths of Hugging Face's tables need not be unique, so they are no names.
            return None, partial(_open_content, content)
        case bytes() as content:
            return None, partial(_open_content, content)
        case {"path": str() as path} | (str() as path) if path:
            return path, partial(open_file, _inside(file, path, params))
    return None, _missing


def _open_content(content: bytes) -> Image.Image:
    not_too_large(len(content))
    return open_bytes(content)


def _missing() -> Image.Image:
    raise OSError("the table gives neither bytes nor a path")


def _inside(file: Path, path: str, params: IngestParams) -> Path:
    """Return the file that a table names; it must lie where DVC sees it change."""
    root = params.path if params.path.is_dir() else params.path.parent
    target = file.parent / path
    if not target.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{file}: {path!r} must lie inside {root}, so that DVC sees it change")
    return target


def _csv_columns(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream).fieldnames or ())


def _csv_rows(file: Path, _: object = None) -> Iterator[Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.DictReader(stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file} is not a UTF-8 CSV file ({error})") from None


def _parquet_columns(file: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(file).names)


def _parquet_rows(file: Path, columns: list[str]) -> Iterator[Row]:
    import pyarrow.parquet as pq

    # Reading ahead would hold whole row groups, which may be as large as the file.
    with pq.ParquetFile(file, pre_buffer=False) as table:
        for batch in table.iter_batches(BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()


def _class_names(file: Path) -> Mapping[str, list[str]]:
    """Return the names of the classes of each column that `datasets` knows as a ClassLabel."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(file).metadata or {}
    info = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {})
    return {
        column: feature["names"]
        for column, feature in (info.get("features") or {}).items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }
