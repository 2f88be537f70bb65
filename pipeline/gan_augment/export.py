"""Export: an image table in the forms that other tools read.

- `folder`: `split/class/id.png`, for torchvision's ImageFolder, and `split/metadata.parquet`, for
  Hugging Face's imagefolder. Every split has a directory of every class, so that ImageFolder counts
  classes alike; of one without images it wants `allow_empty=True`. Synthetic images are
  `id.synthetic.png`, so that nobody takes them for real ones. Of rows that show the same, the
  second is `id-2.png`, and so on.
- `webdataset`: `split-000000.tar` of `KEY.png`, `KEY.cls` and, with all that is known of the image,
  `KEY.json`.
- `npz`: `split.npz` of `images` (N×H×W, or N×H×W×3) and `labels`, and `split.csv`, a line an image.

All name the file that an image was read from, `source`; `classes.json` lists the class names in
index order, which is ImageFolder's in a folder. Nothing that is finished is written again after a
crash.
"""

import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gan_augment import spreadsheet, table
from gan_augment.errors import UserError, choose, shortened
from gan_augment.ingest.sources.paths import GENERATED
from gan_augment.progress import progress
from gan_augment.storage import read_json, replace_file, write_json

STAMP = "export.json"
LAYOUT = 2
"""Counted up when files get other names or contents: no export goes on with an earlier one's."""
SHARD_ROWS = 10_000
LONGEST = 255
"""Bytes of the name of a file or directory, on most file systems."""
WRITERS = 16
"""Threads that write small files: each waits for the disk, nine tenths of its time."""

Advance = Callable[[int], None]


def export(source: Path, target: Path, form: str) -> None:
    """Write an image table in another form; killed and started again, it goes on.

    Args:
        source: the image table.
        target: a folder, new or left by the same export.
        form: a key of `FORMATS`.

    Raises:
        UserError: no table there, no such format, or not for features, or the folder holds
            something else.
    """
    write = choose(FORMATS, form, "--format")
    space = table.space(source)
    if space and write is not npz and (bare := _bare(source)):
        raise UserError(
            f"--format {form} writes pictures, and {bare} rows of {source} are features of "
            f"{space.backbone}: use npz"
        )
    classes = list(table.class_names(source))
    if write is folder:
        classes = [name for _, name in sorted(zip(_directories(source), classes, strict=True))]
    # Of whole files, since names of classes, gates and weights are exported, too.
    shards = {one.name: _hash(one) for one in table.shards(source)}
    _claim(target, {"format": form, "layout": LAYOUT, "shards": shards})
    write_json(target / "classes.json", classes)
    total = len(table.Rows(table.shards(source)))
    done = 0
    with progress("export", total, "images") as advance:

        def count(images: int) -> None:
            nonlocal done
            done += images
            advance(done)

        for split in table.SPLITS:
            if table.shards(source, split):
                write(source, split, target, count)
    print(f"export: {total} images in {target}")


def folder(source: Path, split: str, target: Path, count: Advance) -> None:
    """Write a PNG an image, in a directory a class, and metadata.parquet."""
    classes = table.class_names(source)
    names = _directories(source)
    for name in names:
        (target / split / name).mkdir(parents=True, exist_ok=True)
    lines = []
    seen: Counter[tuple[int, str]] = Counter()
    for rows in _pictures(source, split):
        files = list(_files(rows, names, seen))
        with ThreadPoolExecutor(WRITERS) as writers:
            places = (target / split / name for name in files)
            deque(writers.map(_write, places, _pngs(rows)), 0)
        about = _renumbered(table.without_pixels(rows), names)
        about = about.drop_columns(["label"]).replace_schema_metadata(None)
        about = about.append_column("class", [[classes[y] for y in rows["label"].to_pylist()]])
        lines.append(about.append_column("file_name", [files]))
        count(len(rows))
    # Parquet, since in a CSV a column that is empty in one split would have another type there.
    with replace_file(target / split / "metadata.parquet") as partial:
        pq.write_table(pa.concat_tables(lines), partial)


def webdataset(source: Path, split: str, target: Path, count: Advance) -> None:
    """Write tar files of 10,000 images, each with its class index and its provenance."""
    for number, rows in enumerate(_shards(source, split)):
        file = target / f"{split}-{number:06d}.tar"
        if not file.exists():
            described = _described(table.without_pixels(rows)).to_dict("records")
            with replace_file(file) as partial, tarfile.open(partial, "w") as archive:
                samples = zip(_keys(rows), _pngs(rows), described, strict=True)
                for place, ((label, identity), content, about) in enumerate(samples):
                    key = f"{number:06d}-{place:05d}-{identity}"
                    _add(archive, f"{key}.png", content)
                    _add(archive, f"{key}.cls", str(label).encode())
                    _add(archive, f"{key}.json", json.dumps(about, ensure_ascii=False).encode())
        count(len(rows))


def npz(source: Path, split: str, target: Path, count: Advance) -> None:
    """Write all images, or features, of a split as one array, a row group at a time.

    Raises:
        UserError: images of different sizes.
    """
    file = target / f"{split}.npz"
    if not file.exists():
        labels, name = table.labels(source, split), "features" if table.space(source) else "images"
        with (
            replace_file(file) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            _array(archive, "labels", len(labels), iter([labels]))
            _array(archive, name, len(labels), _samples(source, split))
    rows = table.Rows(table.shards(source, split)).columns()
    with replace_file(target / f"{split}.csv") as partial:
        spreadsheet.write(partial, _described(rows))
    count(len(rows))


def _samples(source: Path, split: str) -> Iterator[NDArray[Any]]:
    """Yield images, N×H×W or N×H×W×3, or features, N×F, of a row group each."""
    shape: tuple[int, ...] | None = None
    for part in table.stream(source, split):
        values = part.pixels if part.space else table.channels_last(part.pixels)
        shape = shape or values.shape[1:]
        if values.shape[1:] != shape:
            raise UserError(f"{source} holds images of different sizes: choose another --format")
        yield values


def _array(archive: zipfile.ZipFile, name: str, rows: int, parts: Iterator[NDArray[Any]]) -> None:
    """Write an array of so many rows from its parts, as `numpy.savez_compressed` does from one."""
    first = next(parts, np.zeros(0))
    described = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (rows, *first.shape[1:]),
    }
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_2_0(member, described)
        for part in chain([first], parts):
            member.write(part.tobytes())


FORMATS: dict[str, Callable[[Path, str, Path, Advance], None]] = {
    "folder": folder,
    "webdataset": webdataset,
    "npz": npz,
}


def _bare(source: Path) -> str | None:
    """Return an origin whose rows have no images, if there is one; all of it have, or none."""
    rows = table.Rows(table.shards(source))
    origins = rows.columns(["origin"])["origin"].to_pylist()
    first = {origin: origins.index(origin) for origin in dict.fromkeys(origins)}
    return next((origin for origin, row in first.items() if not rows.pictured(row)), None)


def _hash(shard: Path) -> str:
    """Return the SHA-256 of a shard, read in pieces."""
    with table.readable(shard), shard.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _claim(target: Path, stamp: dict[str, Any]) -> None:
    """Mark the folder as this export's, so that no two are mixed.

    Raises:
        UserError: it holds something else, or is no folder.
    """
    marked = target / STAMP
    if marked.exists():
        if read_json(marked) != stamp:
            raise UserError(f"{target} holds another export: choose another --out, or delete it")
    elif target.exists() and _is_filled(target):
        raise UserError(f"{target} is not empty: choose another --out")
    else:
        write_json(marked, stamp)


def _is_filled(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError as error:
        raise UserError(f"--out {folder}: {error.strerror}: choose another folder") from None


def _described(rows: pa.Table) -> pd.DataFrame:
    """Return the columns of rows without images, with the name of the class for its index."""
    frame = rows.to_pandas(types_mapper=table.NULLABLE.get)
    classes = table.classes_of(rows.schema)
    frame["label"] = [classes[label] for label in frame["label"]]
    soft = [None if cell is None else list(cell) for cell in frame["soft_labels"]]
    frame["soft_labels"] = pd.Series(soft, dtype=object, index=frame.index)
    return frame.astype(object).where(frame.notna(), None)


def _keys(rows: pa.Table) -> Iterator[tuple[int, str]]:
    return zip(rows["label"].to_pylist(), rows["id"].to_pylist(), strict=True)


def _files(
    rows: pa.Table, directories: Sequence[str], seen: Counter[tuple[int, str]]
) -> Iterator[str]:
    """Yield the path of each row's file, unlike any before; `seen` counts rows by label and id."""
    for (label, identity), origin in zip(_keys(rows), rows["origin"].to_pylist(), strict=True):
        seen[label, identity] += 1
        number = seen[label, identity]
        suffix = f"-{number}" if number > 1 else ""
        kind = GENERATED if origin == "synthetic" else ""
        yield f"{directories[label]}/{identity}{suffix}{kind}.png"


def _pngs(rows: pa.Table) -> list[bytes]:
    return [cell["bytes"] for cell in rows["image"].to_pylist()]


def _shards(source: Path, split: str) -> Iterator[pa.Table]:
    """Yield rows of a split, 10,000 at a time."""
    waiting: pa.Table | None = None
    for rows in _pictures(source, split):
        waiting = pa.concat_tables([waiting, rows]) if waiting else rows
        while len(waiting) >= SHARD_ROWS:
            yield waiting.slice(0, SHARD_ROWS)
            waiting = waiting.slice(SHARD_ROWS)
    if waiting:
        yield waiting


def _pictures(source: Path, split: str) -> Iterator[pa.Table]:
    """Yield rows of a split without what a backbone sees in them, a row group at a time.

    Raises:
        UserError: a row has no image.
    """
    for rows in table.scan(source, split):
        if pc.struct_field(rows["image"], "bytes").null_count:
            raise UserError(
                f"{source} has rows without images: make the table again, or get it anew"
            )
        yield rows.drop_columns([name for name in rows.schema.names if name == table.FEATURES])


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file without a date or an owner, so that the same rows give the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _write(file: Path, content: bytes) -> None:
    """Write a file, unless it is there."""
    if not file.exists():
        with replace_file(file) as partial:
            partial.write_bytes(content)


def _directories(source: Path) -> list[str]:
    """Return the directory of each class, in index order.

    Raises:
        UserError: two classes would have the same, or one has too long a name.
    """
    classes = table.class_names(source)
    names = [_directory(name) for name in classes]
    for name in names:
        if len(name.encode()) > LONGEST:
            raise UserError(
                f"the class {shortened(name, 40)!r} has too long a name for a directory "
                f"({LONGEST} bytes): choose another --format"
            )
    if len({name.casefold() for name in names}) < len(names):
        raise UserError(
            f"the classes {', '.join(classes)} would share directories: choose another --format"
        )
    return names


def _renumbered(rows: pa.Table, directories: Sequence[str]) -> pa.Table:
    """Return rows whose classes are numbered in the order of their directories' names."""
    order = sorted(range(len(directories)), key=directories.__getitem__)
    for name, renumber in (
        ("requested_label", order.index),
        ("soft_labels", lambda scores: [scores[label] for label in order]),
    ):
        cells = [None if cell is None else renumber(cell) for cell in rows[name].to_pylist()]
        column = rows.schema.get_field_index(name)
        field = rows.schema.field(column)
        rows = rows.set_column(column, field, pa.array(cells, field.type))
    return rows


def _directory(name: str) -> str:
    """Return a class name that can be the name of a directory."""
    safe = "".join("_" if sign in '/\\:*?"<>|' or ord(sign) < 32 else sign for sign in name)
    return safe.strip(". ") or "_"
