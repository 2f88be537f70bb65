"""The files below a folder: each once, even where links lead back; or those of a pattern."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.ingest.sources.paths import asked_for, in_rubbish, is_rubbish, leads_out
from gan_augment.ingest.sources.raw import HIDDEN, Skipped, skip
from gan_augment.printable import readable

LINK = "a link to what is read anyway, or to a folder around it"
SPECIAL = "neither a file nor a folder: a broken link, a FIFO, a device"


def walk(
    root: Path, skipped: Skipped, pattern: str | None = None, seen: dict[str, str] | None = None
) -> Iterator[str]:
    """Yield the files below a folder, relative to it, `/` between folders.

    Links come after all else. One that leads to a file or folder that is read anyway, or to a
    folder around it, is counted and left aside; so are hidden folders and what is no regular file.
    Two links to one file elsewhere are two files, as copies are in a cache that DVC links to.

    Args:
        root: the folder.
        skipped: takes what is left aside.
        pattern: `ingest.files`; links may lead to files that it leaves out, which are yielded, too.
        seen: takes each folder that is read, and the prefix of the names of its files.

    Raises:
        UserError: a folder cannot be read.
    """
    top = os.path.realpath(root)
    seen = {} if seen is None else seen
    links: deque[str] = deque()
    yield from _plain(top, "", seen, links, skipped)
    files = []
    while links:
        name = links.popleft()
        target = Path(os.path.realpath(f"{top}/{name}"))
        if target.is_file():
            files.append((name, target))
        elif not target.is_dir():
            skip(skipped, SPECIAL, readable(name))
        elif str(target) in seen or Path(top).is_relative_to(target):
            skip(skipped, LINK, readable(name))
        else:
            yield from _plain(str(target), f"{name}/", seen, links, skipped)
    for name, target in files:
        prefix = seen.get(str(target.parent))
        known = prefix is not None and asked_for(prefix + target.name, pattern)
        if known and not is_rubbish(target.name):
            skip(skipped, LINK, readable(name))
        else:
            yield name


def matching(root: Path, pattern: str) -> list[Path]:
    """Return the regular files below a folder that a glob picks, sorted; hidden ones are none.

    Raises:
        UserError: it is no glob, or leads out of the folder; names `ingest.files`.
    """
    refusal = UserError(
        f"ingest.files = {pattern!r}: no pattern of files below {root}, as *.csv is of those in "
        "it, and **/*.csv of those in its folders, too"
    )
    if leads_out(pattern):
        raise refusal
    try:
        found = sorted(root.glob(pattern))
    except (ValueError, NotImplementedError, IndexError):  # which it is depends on Python
        raise refusal from None
    return [
        file
        for file in found
        if file.is_file() and not in_rubbish(file.relative_to(root).as_posix())
    ]


def _plain(
    folder: str, prefix: str, seen: dict[str, str], links: deque[str], skipped: Skipped
) -> Iterator[str]:
    """Yield the regular files below a folder; append its links to `links`, for later.

    `seen` has the prefix of the names of each folder's files.
    """
    if folder in seen:
        skip(skipped, LINK, readable(prefix))
        return
    seen[folder] = prefix
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(f"{readable(folder)} cannot be read: {error.strerror}") from None
    for entry in entries:
        name = prefix + entry.name
        if entry.is_symlink():
            links.append(name)
        elif entry.is_file():
            yield name
        elif not entry.is_dir():
            skip(skipped, SPECIAL, readable(name))
        elif is_rubbish(entry.name):
            skip(skipped, HIDDEN, readable(f"{name}/"))
        else:
            yield from _plain(entry.path, f"{name}/", seen, links, skipped)
