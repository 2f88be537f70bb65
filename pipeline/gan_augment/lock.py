"""Locks that the operating system lets go of when their holder ends, however it ends."""

import fcntl
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from gan_augment.errors import UserError

POLL_S = 0.5


def warn(message: str) -> None:
    """Print a message to standard error."""
    print(message, file=sys.stderr)


@contextmanager
def locked(
    path: Path, busy: str, wait_s: float = math.inf, on_wait: Callable[[str], None] = warn
) -> Iterator[int]:
    """Hold the lock that is a file, which says who holds it.

    The operating system lets go of the lock when the last process that holds its file descriptor
    ends, so a killed run leaves none behind, and a supervisor that was given the descriptor keeps
    others out until the processes of a killed run are gone. Whoever holds it may delete the file;
    who waits for it then makes another one.

    Args:
        path: the file, made if need be.
        busy: what to say of whoever has it; which process that is follows.
        wait_s: seconds to wait at most.
        on_wait: told once that there is somebody to wait for.

    Yields:
        The file descriptor.

    Raises:
        UserError: the other took longer than `wait_s`, or the place cannot be written, or has no
            locks.
    """
    deadline, told = time.monotonic() + wait_s, False
    while True:
        with _opened(path) as file:
            while not _take(file.fileno(), path):
                file.seek(0)
                who = f"{busy}{file.read()}"
                if time.monotonic() >= deadline:
                    raise UserError(f"{who}: try again later")
                if not told:
                    on_wait(f"{who}: waiting for it to end")
                    told = True
                time.sleep(POLL_S)
            if not is_at(file.fileno(), path):  # whoever had it has deleted it
                continue
            _sign(file.fileno())
            yield file.fileno()
            return


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is what lies at a path: others may have deleted or renamed it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def _take(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UserError(
            f"cannot lock {path}: {error.strerror}; its file system has no locks (flock), which "
            "keep two runs apart: work on another one, or mount it with them"
        ) from error
    return True


def _sign(descriptor: int) -> None:
    """Write down who holds the lock, unless the disk is full: that is not needed to hold it."""
    with suppress(OSError):
        os.truncate(descriptor, 0)
        os.write(descriptor, f" (process {os.getpid()} on {os.uname().nodename})".encode())
