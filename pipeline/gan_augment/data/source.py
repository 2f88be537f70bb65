"""Where an artifact comes from: a folder, an address that fsspec reads, a git repository."""

import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from gan_augment.address import ADDRESS, NOWHERE, reached
from gan_augment.errors import UserError
from gan_augment.storage import cache_directory, digest, replace_file

REPOSITORY = re.compile(r"(git|ssh|git\+\w+)://|[\w.-]+@[\w.-]+:|.*\.git/?$", re.IGNORECASE)
HELD = (".parquet", ".safetensors")
"""Endings of files that an artifact has."""


def locate(
    source: str | os.PathLike[str], version: str | None, files: Sequence[str], artifact: str
) -> Path:
    """Return a folder on this machine that holds an artifact; what is elsewhere is fetched, once.

    Args:
        source: a folder, an address, or a git repository; a folder of one that holds no artifact
            itself is a repository, too.
        version: a tag of the repository; given one, any source is a repository.
        files: patterns of the names of files: of an address only these are fetched.
        artifact: which of the repository's.

    Raises:
        UserError: there is no such place or version, or it cannot be reached.
    """
    place = os.fspath(source)
    if version is not None or REPOSITORY.match(place) or _is_checkout(place):
        from gan_augment.versions import pull

        return pull(place, version, artifact)
    folder = fetch(place, files) if ADDRESS.match(place) else Path(place)
    if not folder.is_dir():
        raise UserError(f"{folder} {'is a file, not a folder' if folder.exists() else NOWHERE}")
    return folder


def _is_checkout(place: str) -> bool:
    if ADDRESS.match(place) or not Path(place, ".git").exists():
        return False
    return not any(file.suffix in HELD for file in Path(place).iterdir())


def fetch(url: str, files: Sequence[str]) -> Path:
    """Copy files of a folder at an address into the cache; what is there already moves no byte.

    A folder that changed at its address gets another folder, so none changes under a reader.

    Args:
        url: such as s3://bucket/folder: what fsspec reads.
        files: patterns of their names.

    Raises:
        UserError: the protocol is unknown or its library missing, nothing is there, it cannot be
            reached, or what arrived is not whole.
    """
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    with reached(url):
        fs, root = fsspec.url_to_fs(url)
        if isinstance(fs, LocalFileSystem):
            return Path(root)
        fs.invalidate_cache(root)
        found = {Path(about["name"]).name: about for about in fs.ls(root, detail=True)}
        state = [str(sorted(found[name].items())) for name in sorted(found)]
        address = fs.unstrip_protocol(root.rstrip("/"))
        folder = cache_directory() / "tables" / digest(address, *state)
        wanted = [name for name in found if any(fnmatch(name, pattern) for pattern in files)]
        if not wanted:
            raise UserError(f"{url} holds none of {', '.join(files)}: name the folder they are in")
        for name in wanted:
            _copy(fs, found[name], folder / name)
    return folder


def _copy(fs: Any, about: Mapping[str, Any], target: Path) -> None:
    if target.exists():
        return
    with replace_file(target) as partial:
        fs.get_file(about["name"], str(partial))
        if about["size"] not in (None, partial.stat().st_size):
            raise UserError(f"{about['name']} did not arrive whole: try again")
