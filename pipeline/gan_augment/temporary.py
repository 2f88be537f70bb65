"""Folders that outlive a killed process only until the next one: of TMPDIR, and of scratch."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.storage import delete_directory, sweep_deleted

PREFIX, LOCK = "gan-augment-", "lock"
"""What the folders are called, in TMPDIR, and the file in them that their process locks."""
FINGERPRINT = "[0-9a-f]" * 16
"""What those in a stage's scratch are called: see `gan_augment.storage.digest`."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder in TMPDIR that is deleted when the block ends; sweep up those of the killed."""
    here = Path(tempfile.gettempdir())
    sweep_deleted(here, f"{PREFIX}*")
    _sweep(here.glob(f"{PREFIX}*/{LOCK}"))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        with locked(folder / LOCK, "in use", 0):
            yield folder


@contextmanager
def scratch_of(stage: Path, fingerprint: str, own: bool = True) -> Iterator[Path]:
    """Yield the folder of what a stage has finished, for when it is killed; delete it at the end.

    The next run of the same fingerprint goes on from what is there. Folders of others, of earlier
    settings or images, are deleted, but for those that another process is at work in.

    Args:
        stage: the folder of the stage's scratch.
        fingerprint: of inputs and params.
        own: False in a process that works in the folder of another one.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = stage / fingerprint
    if not own:
        yield folder
        return
    with locked(folder / LOCK, f"another run is at work in {folder.resolve()}"):
        sweep_deleted(stage, FINGERPRINT)
        _sweep(lock for lock in _locks(stage) if lock.parent != folder)
        try:
            yield folder
        except BaseException:
            if [file.name for file in folder.iterdir()] == [LOCK]:
                delete_directory(folder)
            raise
        delete_directory(folder)


def _locks(stage: Path) -> list[Path]:
    return [folder / LOCK for folder in stage.glob(FINGERPRINT) if folder.is_dir()]


def _sweep(locks: Iterable[Path]) -> None:
    """Delete folders of processes that have ended: nobody holds their locks any more."""
    for lock in locks:
        with contextlib.suppress(UserError, OSError):
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            with locked(lock, "in use", 0):
                delete_directory(lock.parent)
