"""Temporary folders that outlive a killed process only until the next one is made."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.lock import locked

PREFIX, LOCK = "gan-augment-", "lock"
"""What the folders are called, in TMPDIR, and the file in them that their process locks."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder in TMPDIR that is deleted when the block ends; sweep up those of the killed."""
    _sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with locked(folder / LOCK, "in use", 0):
            yield folder


def _sweep() -> None:
    """Delete the folders of killed processes: nobody holds their locks any more."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(UserError, OSError):
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            with locked(lock, "in use", 0):
                shutil.rmtree(lock.parent, ignore_errors=True)
