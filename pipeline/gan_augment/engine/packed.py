"""Folders as bytes, to carry them to machines that have no common disk."""

import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path


def pack(folder: Path, patterns: Sequence[str]) -> bytes:
    """Return what lies in a folder under names like these, with all below, as a tar archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for found in _found(folder, patterns):
            archive.add(found, found.name)
    return content.getvalue()


def unpack(content: bytes, folder: Path, patterns: Sequence[str]) -> None:
    """Put what was packed into a folder, in the place of all that has names like these there.

    What comes last among the patterns goes first and comes last, so it can say that all is there.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
        tarfile.TarError: nothing that `pack` returned.
    """
    for found in reversed([*_found(folder, patterns)]):
        shutil.rmtree(found) if found.is_dir() else found.unlink()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def _found(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(folder.glob(pattern))
