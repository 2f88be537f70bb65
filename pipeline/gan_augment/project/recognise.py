"""Which source reads a folder or file of images."""

import csv
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from gan_augment.errors import UserError
from gan_augment.ingest.sources.layout import understand
from gan_augment.ingest.sources.tree import folders_of, is_picture
from gan_augment.ingest.sources.walk import matching, walk

ANNOTATIONS = ({"file", "split"}, {"file", "group"})
"""Columns of a CSV in a folder that says more of its images."""

FILES = {"idx": "*-idx3-ubyte*", "parquet": "**/*.parquet", "csv": "**/*.csv"}
"""What files a source reads, where there are no class directories."""


def recognise(path: Path, source: str | None = None) -> dict[str, Any]:
    """Return the settings of `ingest` that read what lies at `path`.

    A CSV file is read as the folder that it is in, since that holds the images it lists.

    Args:
        path: a file or folder.
        source: its kind, if that is known.

    Raises:
        UserError: there is nothing that any source reads, or a file cannot be read.
    """
    try:
        return _recognised(path, source)
    except OSError as error:
        raise UserError(f"--images {error.filename or path}: {error.strerror}") from None


def _recognised(path: Path, source: str | None) -> dict[str, Any]:
    if not path.exists():
        raise UserError(f"--images {path}: no such file or folder")
    if path.suffix.lower() == ".csv" and path.is_file():
        return {"source": "csv", "path": path.parent, "files": path.name}
    if source is not None:
        return {"source": source, "path": path}
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in (".parquet", ".pq"):
        return {"source": "parquet", "path": path}
    if zipfile.is_zipfile(path) or tarfile.is_tarfile(path):
        return {"source": "archive", "path": path}
    raise UserError(
        f"--images {path}: not an archive, a CSV or a Parquet file; name one, or a folder"
    )


def _folder(path: Path) -> dict[str, Any]:
    if len(_classes(path)) > 1:
        more = next((file for file in sorted(path.glob("*.csv")) if _says_more(file)), None)
        return {"source": "folder", "path": path} | ({"annotations": more.name} if more else {})
    for source, pattern in FILES.items():
        if matching(path, pattern):
            return {"source": source, "path": path}
    raise UserError(
        f"--images {path}: holds neither two class directories with images nor idx, Parquet or "
        "CSV files; one directory a class is the simplest"
    )


def _classes(path: Path) -> set[str]:
    """Return the names of the class directories below a folder, as far as they hold images."""
    folders = {folders_of(name) for name in walk(path, {}) if is_picture(name)}
    return {place.label for place in understand(folders).places.values()}


def _says_more(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
        try:
            columns = set(next(csv.reader(stream), ()))
        except csv.Error:  # no CSV, whatever its name
            return False
    return any(needed <= columns for needed in ANNOTATIONS)
