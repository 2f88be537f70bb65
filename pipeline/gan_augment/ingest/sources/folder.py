"""A folder of class directories."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.ingest.sources.raw import Found, at_most, open_file
from gan_augment.ingest.sources.tree import grow, is_image, read_annotations
from gan_augment.params import IngestParams


def folder(params: IngestParams) -> Found:
    """Return the images below `params.path`, in which each directory is a class.

    Directories named after splits may stand above the classes. Hidden files and files that are no
    image by their ending are left out.

    Raises:
        UserError: the folder is missing, holds no class directories or a class without images, or
            its annotations do not fit.
    """
    root = params.path
    if not root.is_dir():
        raise UserError(
            f"ingest.path = {str(root)!r}: no such folder; put one directory a class there"
        )
    classes = sorted(d.name for d in root.iterdir() if d.is_dir() and not d.name.startswith("."))
    if not classes:
        raise UserError(
            f"ingest.path = {str(root)!r}: holds no class directories; make one a class"
        )
    names = sorted(at_most(filter(is_image, _walk(root)), params, str(root)))
    for name in set(classes) - {name.split("/", 1)[0] for name in names}:
        raise UserError(f"class folder {str(root / name)!r} holds no images: fill it or delete it")
    tree = grow(str(root), names, _annotations(root, params.annotations), params)
    images = (tree.image(name, partial(open_file, root / name)) for name in tree.names)
    return Found(len(tree.names), images)


def _walk(root: Path) -> Iterator[str]:
    for directory, _, files in os.walk(root, followlinks=True):
        here = Path(directory).relative_to(root).as_posix()
        yield from (file if here == "." else f"{here}/{file}" for file in files)


def _annotations(root: Path, name: str | None) -> dict[str, dict[str, str]]:
    if name is None:
        return {}
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"ingest.annotations = {name!r}: must lie inside {root}, so that DVC sees it change"
        )
    try:
        return read_annotations(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise UserError(f"ingest.annotations = {name!r}: no such file in {root}") from None
