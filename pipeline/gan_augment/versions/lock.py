"""One rebuild or publication at a time in a checkout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.project.repository import of_dvc
from gan_augment.versions import half_written

FILE = Path(".dvc/tmp/flow.lock")


@contextmanager
def exclusive(root: Path, wait_s: float, tell: Callable[[str], None]) -> Iterator[int]:
    """Hold the checkout's lock, waiting for whoever has it; mend what a killed run left damaged.

    Args:
        root: the checkout.
        wait_s: seconds to wait at most.
        tell: takes a sentence: that there is somebody to wait for, or what is mended.

    Yields:
        The lock's file descriptor, to be held open by processes that must end before others begin.

    Raises:
        UserError: the other run took longer than `wait_s`, or the folder is no DVC repository, into
            which the lock would turn it.
    """
    if not of_dvc(root):
        raise UserError(
            f"{root.resolve()} is not the root of a DVC repository: go to the folder of your "
            "project, or make one by `gan-augment init`"
        )
    busy = f"another run is at work in {root.resolve()}"
    with locked(root / FILE, busy, wait_s, tell) as descriptor:
        half_written.mend(root, tell)
        yield descriptor
