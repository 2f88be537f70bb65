"""Where raw images come from: one small function a source, one registry."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from pipeline.errors import UserError
from pipeline.params import IngestParams
from pipeline.table import SPLITS


@dataclass(frozen=True)
class RawImage:
    """An image before decoding.

    Attributes:
        name: where it came from, unique within the source.
        label: name of its class.
        open: returns the picture, undecoded where the format allows.
        split, group: what the source itself says, if anything.
    """

    name: str
    label: str
    open: Callable[[], Image.Image]
    split: str | None = None
    group: str | None = None


def digits(_: IngestParams) -> Iterator[RawImage]:
    """Yield scikit-learn's 1,797 handwritten digits, 8×8 grey (UCI Optical Recognition)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = (data.images * (255 / 16)).round().astype("uint8")
    for index, (image, label) in enumerate(zip(pixels, data.target, strict=True)):
        yield RawImage(f"digits/{index:04d}", str(label), partial(Image.fromarray, image))


def folder(params: IngestParams) -> Iterator[RawImage]:
    """Yield the images below `params.path`, in which each directory is a class.

    Hidden files and files that no Pillow plugin claims by their ending are left out.

    Raises:
        UserError: the folder is missing, holds no class directories or a class without images, or
            its annotations do not fit.
    """
    root = params.path
    if not root.is_dir():
        raise UserError(
            f"ingest.path = {str(root)!r}: no such folder; put one directory a class there"
        )
    classes = sorted(d for d in root.iterdir() if d.is_dir() and not d.name.startswith("."))
    if not classes:
        raise UserError(
            f"ingest.path = {str(root)!r}: holds no class directories; make one a class"
        )
    annotations = _annotations(root, params.annotations)
    endings = Image.registered_extensions()
    for directory in classes:
        files = sorted(
            file
            for file in directory.rglob("*")
            if file.is_file() and file.suffix.lower() in endings and not file.name.startswith(".")
        )
        if not files:
            raise UserError(
                f"class folder {str(directory)!r} holds no images: fill it or delete it"
            )
        for file in files:
            name = file.relative_to(root).as_posix()
            said = annotations.pop(name, {})
            yield RawImage(
                name,
                directory.name,
                partial(Image.open, file),
                said.get("split") or None,
                said.get("group") or None,
            )
    if annotations:
        raise UserError(
            f"{params.annotations}: {len(annotations)} of its files are not images below {root}, "
            f"the first is {next(iter(annotations))!r}"
        )


def _annotations(root: Path, name: str | None) -> dict[str, dict[str, str]]:
    """Read the CSV that names a split or a group per file."""
    if name is None:
        return {}
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"ingest.annotations = {name!r}: must lie inside {root}, so that DVC sees it change"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise UserError(f"ingest.annotations = {name!r}: no such file in {root}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"ingest.annotations: {path} is not a UTF-8 CSV file ({error})") from None
    columns = set(rows[0]) if rows else set()
    if "file" not in columns or not columns & {"split", "group"}:
        raise UserError(f"{path}: needs a column 'file' and a column 'split' or 'group'")
    for line, row in enumerate(rows, start=2):
        if row.get("split") and row["split"] not in SPLITS:
            raise UserError(
                f"{path}, line {line}: split {row['split']!r}; allowed: {', '.join(SPLITS)}"
            )
    return {row["file"]: row for row in rows}


SOURCES: dict[str, Callable[[IngestParams], Iterator[RawImage]]] = {
    "digits": digits,
    "folder": folder,
}
