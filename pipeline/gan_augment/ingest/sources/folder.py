"""A folder of class directories."""

from collections import Counter
from functools import partial
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.ingest.sources.formats import open_listed
from gan_augment.ingest.sources.paths import is_rubbish
from gan_augment.ingest.sources.raw import Found, Skipped
from gan_augment.ingest.sources.tree import Annotations, grow, read_annotations, sift
from gan_augment.ingest.sources.walk import walk
from gan_augment.params import IngestParams
from gan_augment.printable import readable


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
    files = sift(walk(root, skipped), skipped, params, str(root))
    _no_empty_class(
        root, {name.split("/", 1)[0] for name in (*files.images, *files.foreign.values())}, params
    )
    tree = grow(str(root), files, _annotations(root, params.annotations))
    return tree.found(tree.image(name, partial(open_listed, root / name)) for name in tree.names)


def _no_empty_class(root: Path, used: set[str], params: IngestParams) -> None:
    for path in sorted(root.iterdir()):
        known = path.name in used or is_rubbish(path.name) or path.is_symlink()
        if params.files is None and path.is_dir() and not known:
            raise UserError(
                f"class folder {readable(str(path))!r} holds no images{_instead(path)}: "
                "fill it or delete it"
            )


def _instead(folder: Path) -> str:
    """Say which files a folder holds, by their endings, the most first."""
    files = (path for path in folder.rglob("*") if path.is_file() and not is_rubbish(path.name))
    found = Counter(path.suffix or "without an ending" for path in files)
    each = ", ".join(f"{number} × {readable(ending)}" for ending, number in found.most_common(3))
    return f" ({each})" if each else ""


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
    return read_annotations(path.read_bytes(), str(path))
