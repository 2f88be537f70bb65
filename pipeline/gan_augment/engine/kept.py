"""Results that are kept by name: in a folder, or at an address, where other machines find them.

Beside each result stands its hash, so that one which is damaged is as good as none.
"""

import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from gan_augment.address import ADDRESS, reached
from gan_augment.errors import without_passwords
from gan_augment.storage import replace_file, write_text

FINISHED = "GAN_AUGMENT_FINISHED"
"""Environment variable: where finished tasks are kept, such as s3://bucket/prefix; by default in
the folder of the run."""
MARK = "gan-augment"
"""An empty file there, written first: that nothing can be is known before any work."""


class Store(Protocol):
    """Results by name."""

    def read(self, name: str) -> bytes | None:
        """Return a result; None if there is none that is whole."""

    def write(self, name: str, result: bytes) -> None:
        """Keep a result."""


def store(folder: Path) -> Store:
    """Return where results are kept: a folder, or what has its name at the address in `FINISHED`.

    Raises:
        UserError: nothing can be written at the address.
    """
    return elsewhere(folder.name) or Folder(folder)


def elsewhere(name: str) -> Store | None:
    """Return what has this name at the address in `FINISHED`, or None without such an address.

    Raises:
        UserError: nothing can be written there.
    """
    place = os.environ.get(FINISHED, "").removeprefix("file://")
    if not place:
        return None
    if ADDRESS.match(place):
        return Address(place, name)
    write_text(Path(place) / MARK, "")
    return Folder(Path(place) / name)


class Folder:
    """A folder of files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """See `Store`."""
        file = self._folder / name
        return _checked(file.read_bytes(), str(file)) if file.exists() else None

    def write(self, name: str, result: bytes) -> None:
        """See `Store`.

        Raises:
            UserError: it cannot be written.
        """
        with replace_file(self._folder / name) as part:
            part.write_bytes(_hashed(result))


class Address:
    """Objects at an address of an object store that fsspec knows; each appears whole there."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = without_passwords(f"{url.rstrip('/')}/{name}"), name
        self._files, self._root = _writable(url)

    def read(self, name: str) -> bytes | None:
        """See `Store`.

        Raises:
            UserError: the address cannot be reached.
        """
        with reached(self._url):
            try:
                content: bytes = self._files.cat_file(f"{self._root}/{self._name}/{name}")
            except FileNotFoundError:
                return None
        return _checked(content, f"{self._url}/{name}")

    def write(self, name: str, result: bytes) -> None:
        """See `Store`.

        Raises:
            UserError: the address cannot be reached.
        """
        with reached(self._url):
            self._files.pipe_file(f"{self._root}/{self._name}/{name}", _hashed(result))


@lru_cache
def _writable(url: str) -> tuple[Any, str]:
    """Return what reads and writes at an address, and its path there."""
    import fsspec

    with reached(f"{FINISHED} = {url}"):
        files, root = fsspec.url_to_fs(url)
        files.pipe_file(f"{root.rstrip('/')}/{MARK}", b"")
    return files, root.rstrip("/")


def _hashed(result: bytes) -> bytes:
    return hashlib.sha256(result).hexdigest().encode() + b"\n" + result


def _checked(content: bytes, place: str) -> bytes | None:
    """Return a result as it was kept; None, and a line that says so, if it is damaged."""
    _, _, result = content.partition(b"\n")
    if content == _hashed(result):
        return result
    print(f"{place} is damaged: it is made again", file=sys.stderr, flush=True)
    return None
