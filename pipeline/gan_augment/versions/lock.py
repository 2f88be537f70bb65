"""One at a time: rebuilds and publications in a checkout, pulls of the same version."""

import fcntl
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_augment.errors import UserError

FILE = Path(".dvc/tmp/flow.lock")
POLL_S = 0.5


@contextmanager
def exclusive(root: Path, wait_s: float, on_wait: Callable[[str], None]) -> Iterator[int]:
    """Hold the checkout's lock, waiting for whoever has it.

    Args:
        root: the checkout.
        wait_s: seconds to wait at most.
        on_wait: told once that there is somebody to wait for.

    Yields:
        The lock's file descriptor, to be held open by processes that must end before others begin.

    Raises:
        UserError: the other run took longer than `wait_s`.
    """
    busy = f"another run is at work in {root.resolve()}"
    with locked(root / FILE, busy, wait_s, on_wait) as descriptor:
        yield descriptor


def warn(message: str) -> None:
    """Print a message to standard error."""
    print(message, file=sys.stderr)


@contextmanager
def locked(
    path: Path, busy: str, wait_s: float = math.inf, on_wait: Callable[[str], None] = warn
) -> Iterator[int]:
    """Hold the lock that is a file.

    The operating system lets go of the lock when the last process that holds its file descriptor
    ends, so a killed run leaves none behind, and a supervisor that was given the descriptor keeps
    others out until the processes of a killed run are gone.

    Args:
        path: the file, made if need be.
        busy: what to say of whoever has it.
        wait_s: seconds to wait at most.
        on_wait: told once that there is somebody to wait for.

    Yields:
        The file descriptor.

    Raises:
        UserError: the other took longer than `wait_s`, or the place cannot be written.
    """
    deadline, told = time.monotonic() + wait_s, False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    with file:
        while not _take(file.fileno()):
            if time.monotonic() >= deadline:
                raise UserError(f"{busy}: try again later")
            if not told:
                on_wait(f"{busy}: waiting for it to end")
                told = True
            time.sleep(POLL_S)
        yield file.fileno()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
