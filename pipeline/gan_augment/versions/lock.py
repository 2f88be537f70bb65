"""One rebuild or publication at a time in a checkout."""

import fcntl
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

    The operating system lets go of the lock when the last process that holds its file descriptor
    ends, so a killed run leaves none behind, and a supervisor that was given the descriptor keeps
    others out until the processes of a killed run are gone.

    Args:
        root: the checkout.
        wait_s: seconds to wait at most.
        on_wait: told once that there is somebody to wait for.

    Yields:
        The file descriptor.

    Raises:
        UserError: the other run took longer than `wait_s`.
    """
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline, told = time.monotonic() + wait_s, False
    with path.open("a") as file:
        while not _take(file.fileno()):
            if time.monotonic() >= deadline:
                raise UserError(f"another run is at work in {root.resolve()}: try again later")
            if not told:
                on_wait(f"another run is at work in {root.resolve()}: waiting for it to end")
                told = True
            time.sleep(POLL_S)
        yield file.fileno()


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
