"""A folder of class directories."""

from functools import partial
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.ingest.sources.formats import open_listed
from gan_augment.ingest.sources.raw import Found, Skipped
from gan_augment.ingest.sources.tree import (
    Annotations,
    folders_of,
    grow,
    no_empty_class,
    read_annotations,
    sift,
)
from gan_augment.ingest.sources.walk import walk
from gan_augment.params import IngestParams


def folder(params: IngestParams) -> Found:
    """Return the images below `params.path`, in which each directory is a class.

    What else the directories may be, `layout` says. Links are followed, and no folder is read
    twice; hidden files and files that are no image by their ending are counted and left aside.

    Raises:
        UserError: the folder is missing, holds no class directories or a class without images, or
            its annotations do not fit.
    """
    root = params.path
    if not root.is_dir():
        raise UserError(
            f"ingest.path = {str(root)!r}: no such folder; put one directory a class there"
        )
    skipped: Skipped = {}
    seen: dict[str, str] = {}
    files = sift(walk(root, skipped, params.files, seen), skipped, params, str(root))
    if params.files is None:
        pictured = {*map(folders_of, files.images), *(folder for folder, _ in files.foreign)}
        names = walk(root, {}, "")  # links, too
        no_empty_class(str(root), pictured, map(folders_of, seen.values()), names)
    tree = grow(str(root), files, _annotations(root, params.annotations))
    return tree.found(tree.image(name, partial(open_listed, root / name)) for name in tree.names)


def _annotations(root: Path, name: str | None) -> Annotations:
    if name is None:
        return {}
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"ingest.annotations = {name!r}: must lie inside {root}, so that DVC sees it change"
        )
    if not path.is_file():
        raise UserError(f"ingest.annotations = {name!r}: no such file in {root}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"ingest.annotations: {path} cannot be read: {error.strerror}") from None
    return read_annotations(content, str(path))
