"""Tables that list images, as paths or as bytes: CSV, and Parquet as Hugging Face writes it."""

import csv
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from gan_augment.errors import UserError, choose
from gan_augment.ingest.sources import labels
from gan_augment.ingest.sources.formats import not_too_large, open_bytes, open_file, open_listed
from gan_augment.ingest.sources.paths import in_rubbish, is_generated, leads_out, spelled
from gan_augment.ingest.sources.raw import (
    HIDDEN,
    MADE,
    Found,
    RawImage,
    Skipped,
    check_bytes,
    check_count,
    skip,
)
from gan_augment.ingest.sources.splits import split_name, split_of, split_within
from gan_augment.ingest.sources.walk import matching
from gan_augment.params import IngestParams
from gan_augment.parquet import batches
from gan_augment.printable import readable

_USUAL = {
    "image": ("image", "img", "file", "path", "filename", "file_name", "image_path"),
    "label": ("label", "labels", "class", "target"),
    "split": ("split",),
    "group": ("group",),
}
"""Names of columns that are found by themselves."""
ORIGIN, SYNTHETIC = "origin", "synthetic"
"""The column of our own tables that tells what was generated, and how."""
MADE_IN_TABLE = "synthetic in its table"
BATCH_ROWS = 32
"""Rows of a Parquet file that memory holds at a time: images may be large."""

Row = Mapping[str, Any]
Columns = Mapping[str, str | None]
Names = Mapping[str, list[str]]


class Reader(NamedTuple):
    """How tables of one kind are read.

    Attributes:
        columns: returns the names of a file's columns.
        path: returns the column of paths, or the part of it, of a column of images, if it has any.
        rows: yields the rows of a file, of some columns at least.
        names: returns names of classes by column, where the file numbers them.
    """

    columns: Callable[[Path], list[str]]
    path: Callable[[Path, str], str | None]
    rows: Callable[[Path, list[str]], Iterable[Row]]
    names: Callable[[Path], Names]


def manifest_csv(params: IngestParams) -> Found:
    """Return the images that CSV files list: a column of paths, one of labels, if you like more.

    `params.path` is a CSV file or a folder (`params.files` picks some, else all below it); paths in
    a file count from its own folder. `params.columns` names the columns, else the usual names are
    tried.

    Raises:
        UserError: no such files, not UTF-8, or a column is missing.
    """
    reader = Reader(_csv_columns, lambda _, column: column, _csv_rows, lambda _: {})
    return _found(_files(params, "**/*.csv"), reader, params)


def manifest_parquet(params: IngestParams) -> Found:
    """Return the images of Parquet files, such as a Hugging Face image dataset.

    `params.path` is a file or a folder (`params.files` picks some, else all below it). The image
    column holds encoded bytes, a path, or Hugging Face's struct of both; names and order of the
    classes are read from the metadata that `datasets` writes; a file named after a split, such as
    `train-00000-of-00002.parquet`, has that published split unless a column says otherwise.

    Raises:
        UserError: no such files, not Parquet, a column is missing, or an image has several labels.
    """
    reader = Reader(_parquet_columns, _parquet_path, _parquet_rows, _class_names)
    return _found(_files(params, "**/*.parquet"), reader, params)


def _files(params: IngestParams, pattern: str) -> list[Path]:
    path = params.path
    if path.is_file():
        return [path]
    pattern = params.files or pattern
    files = matching(path, pattern)
    if not files:
        raise UserError(f"ingest.path = {str(path)!r}: no file matches {pattern!r} there")
    return files


def _found(files: Sequence[Path], reader: Reader, params: IngestParams) -> Found:
    """Read labels and groups, and the images later.

    Raises:
        UserError: a column is missing, an image has several labels, or none is real.
    """
    total = 0
    skipped: Skipped = {}
    texts: set[str | None] = set()
    groups: set[str | None] = set()
    source: list[str] = []
    for file in files:
        columns = _columns(file, reader.columns(file), params)
        names = reader.names(file).get(columns["label"])
        source += names or ()
        for said in _real_rows(reader, file, columns, skipped, params):
            total += 1
            check_count(total, params, str(params.path))
            texts.add(_label(said["label"], names, f"{file}, column {columns['label']!r}"))
            groups.add(labels.group(said["group"], f"{file}, column {columns['group']!r}"))
    if skipped and not total:
        why = " or ".join(skipped)
        raise UserError(f"{params.path}: all images are {why}: name a table of real ones")
    given = {text for text in texts if text is not None}
    as_label = labels.as_numbers(given - set(source))
    as_group = labels.as_numbers(group for group in groups if group is not None)
    used = {name for text in given if (name := as_label.get(text, text)) is not None}
    unused = [name for name in dict.fromkeys(source) if name not in used]
    left_out = f"classes of the source that have no image, left out: {', '.join(unused)}"
    return Found(
        total,
        _images(files, reader, as_label, as_group, params),
        labels.ordered(used, source),
        skipped=skipped,
        understood=(left_out,) if unused else (),
    )


def _real_rows(
    reader: Reader, file: Path, columns: Columns, skipped: Skipped, params: IngestParams
) -> Iterator[Row]:
    """Yield what rows say of real images, except their bytes; others are counted in `skipped`."""
    image = columns["image"]
    assert image is not None
    path = reader.path(file, image)
    used = [columns["label"], columns["group"], columns["origin"], path]
    name = _named(file, params)
    for number, row in enumerate(reader.rows(file, list(filter(None, used))), start=1):
        said = _said(row, columns)
        if (reason := _why_made(said)) is None:
            yield said
        elif reason == MADE:
            skip(skipped, MADE, readable(_path(said["image"]) or ""))
        else:
            skip(skipped, reason, _row_name(name, number))


def _said(row: Row, columns: Columns) -> Row:
    """Return the cells of a row by their roles, None where it has none."""
    return {role: row.get(column) if column else None for role, column in columns.items()}


def _why_made(said: Row) -> str | None:
    """Return why an image is not taken for a real one, None if it is, by its path or its row."""
    if said["origin"] == SYNTHETIC:
        return MADE_IN_TABLE
    return MADE if is_generated(_path(said["image"]) or "") else None


def _row_name(file: str, number: int) -> str:
    """Return the name of an image that has none of its own, by its row, from 1."""
    return f"{file}/{number - 1:05d}"


def _images(
    files: Iterable[Path],
    reader: Reader,
    as_label: Mapping[str, str | None],
    as_group: Mapping[str, str | None],
    params: IngestParams,
) -> Iterator[RawImage]:
    total = 0
    for file in files:
        columns = _columns(file, reader.columns(file), params)
        names = reader.names(file).get(columns["label"])
        published, name = _published(file, params), _named(file, params)
        used = [column for column in columns.values() if column is not None]
        for number, row in enumerate(reader.rows(file, used), start=1):
            where = f"{file}, row {number}"
            said = _said(row, columns)
            if _why_made(said):
                continue
            label = _label(said["label"], names, where)
            group = labels.group(said["group"], where)
            path, opener = _image(said["image"], file, where, params)
            total += (held := _held(said["image"]))
            check_bytes(total, params, params.path)
            yield RawImage(
                path or _row_name(name, number),
                as_label.get(label, label) if label is not None else None,
                opener,
                split_name(labels.text(said["split"], where), where) or published,
                as_group.get(group, group) if group is not None else None,
                _part(path, label) if path else None,
                held,
            )


def _label(cell: Any, names: Sequence[str] | None, where: str) -> str | None:
    """Return the label in a cell, by its name if classes are numbered; None if there is none."""
    if names is None or not isinstance(cell, int | float) or labels.missing(cell):
        return labels.text(cell, where)
    return names[int(cell)] if 0 <= cell < len(names) and cell == int(cell) else None


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
                f"name the one of {', '.join(found)} in ingest.columns.{role}, or leave the file "
                "out by ingest.files"
            )
    # It may be what the images are told apart by.
    chosen["origin"] = ORIGIN if ORIGIN in {*found} - {*chosen.values()} else None
    for column in filter(None, chosen.values()):
        if found.count(column) > 1:
            raise UserError(f"{file} has several columns {column!r}: give each a name of its own")
    return chosen


def _published(file: Path, params: IngestParams) -> str | None:
    """Return the split that a file's name or folder tells, as in train-00000-of-00002.parquet."""
    folders = file.relative_to(params.path).parts[:-1] if params.path.is_dir() else ()
    return split_within(file.stem) or next(filter(None, map(split_of, reversed(folders))), None)


def _image(
    cell: Any, file: Path, where: str, params: IngestParams
) -> tuple[str | None, Callable[[], Image.Image]]:
    """Return the path that a cell of the image column tells, and what opens its picture."""
    match cell:
        case {"bytes": bytes() as content} | (bytes() as content):
            # The paths of Hugging Face's tables need not be unique, so they are no names.
            return None, partial(_open_content, content)
    if (path := _path(cell)) is None:
        return None, partial(_refuse, "the table gives neither bytes nor a path")
    target = _inside(file, spelled(path), where, params)
    name = _named(target, params)
    if in_rubbish(name) and not leads_out(name):
        return name, partial(_refuse, HIDDEN)
    return name, _opener(target)


def _path(cell: Any) -> str | None:
    """Return the path in a cell of the image column, as it is spelled there."""
    match cell:
        case {"path": str() as path} | (str() as path) if path.strip():
            return path
    return None


def _part(path: str, label: str | None) -> str | None:
    """Return the folder that an image is in, unless only its class and a split are told by it."""
    *folders, _ = path.split("/")
    further = [folder for folder in folders if folder != label and not split_of(folder)]
    return "/".join(folders) if further else None


def _held(cell: Any) -> int:
    match cell:
        case {"bytes": bytes() as content} | (bytes() as content):
            return len(content)
    return 0


def _named(target: Path, params: IngestParams) -> str:
    """Return a file's name as it counts from the source's folder, however a table spells it."""
    target, folder = (Path(os.path.normpath(p.absolute())) for p in (target, _folder(params)))
    inside = target.is_relative_to(folder)
    return readable((target.relative_to(folder) if inside else target).as_posix())


def _folder(params: IngestParams) -> Path:
    return params.path if params.path.is_dir() else params.path.parent


def _opener(path: Path) -> Callable[[], Image.Image]:
    """Return what opens a file by its name, composed or not, in which file systems differ.

    Of a file that is not there now, it is the table that is wrong, in this row.
    """
    names = (unicodedata.normalize(form, str(path)) for form in ("NFC", "NFD"))
    for spelling in (path, *map(Path, names)):
        if spelling.exists():
            return partial(open_listed, spelling)
    return partial(open_file, path)


def _open_content(content: bytes) -> Image.Image:
    not_too_large(len(content))
    return open_bytes(content)


def _refuse(why: str) -> Image.Image:
    raise OSError(why)


def _inside(file: Path, path: str, where: str, params: IngestParams) -> Path:
    """Return the file that a table names; it must lie where DVC sees it change."""
    if "\0" in path:
        raise UserError(f"{where}: {path!r} is no path")
    root = _folder(params)
    target = file.parent / path
    if not target.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{where}: {path!r} must lie inside {root}, so that DVC sees it change")
    return target


def _csv_columns(file: Path) -> list[str]:
    with _csv_reader(file) as reader:
        return list(reader.fieldnames or ())


def _csv_rows(file: Path, _: object = None) -> Iterator[Row]:
    with _csv_reader(file) as reader:
        yield from reader


@contextmanager
def _csv_reader(file: Path) -> "Iterator[csv.DictReader[str]]":
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield csv.DictReader(stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file} is not a UTF-8 CSV file ({error})") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None


def _parquet_columns(file: Path) -> list[str]:
    with _parquet(file) as table:
        return list(table.schema_arrow.names)


def _parquet_path(file: Path, column: str) -> str | None:
    """Return where the paths of images are, so that they are read without the images."""
    import pyarrow as pa

    with _parquet(file) as table:
        kind = table.schema_arrow.field(column).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_struct(kind):
        return f"{column}.path" if kind.get_field_index("path") >= 0 else None
    return column if pa.types.is_string(kind) or pa.types.is_large_string(kind) else None


def _parquet_rows(file: Path, columns: list[str]) -> Iterator[Row]:
    with _parquet(file) as table:
        for batch in batches(table, columns, BATCH_ROWS, file):
            yield from batch.to_pylist()


def _class_names(file: Path) -> Names:
    """Return names of classes by column, in order: of a ClassLabel or an ordered category."""
    with _parquet(file) as table:
        schema = table.schema_arrow
        ordered = [field.name for field in schema if getattr(field.type, "ordered", False)]
        first = list(islice(batches(table, ordered, 1, file), 1)) if ordered else []
    categories = {
        column: [labels.named(str(name), file) for name in batch[column].dictionary.to_pylist()]
        for batch in first
        for column in ordered
    }
    return {**categories, **_class_labels(file, schema.metadata or {})}


def _class_labels(file: Path, metadata: Mapping[bytes, bytes]) -> Names:
    """Return the names of the classes of each column that `datasets` knows as a ClassLabel."""
    try:
        content = json.loads(metadata.get(b"huggingface", b"{}"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: its metadata for `datasets` is broken ({error})") from None
    match content:
        case {"info": {"features": dict() as features}}:
            return {
                column: [labels.named(str(name), file) for name in names]
                for column, feature in features.items()
                if (names := _names_of(feature)) is not None
            }
    return {}


def _names_of(feature: Any) -> list[Any] | None:
    match feature:
        case {"_type": "ClassLabel", "names": list() as names}:
            return names
    return None


@contextmanager
def _parquet(file: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Reading ahead would hold whole row groups, which may be as large as the file.
        with pq.ParquetFile(file, pre_buffer=False) as table:
            yield table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not a readable Parquet file: {error}") from None
