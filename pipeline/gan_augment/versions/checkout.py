"""The project of a checkout, opened with DVC: what it refuses is one message."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gan_augment.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def opened(root: Path, what: str) -> Iterator["Repo"]:
    """Open the project in `root`; who asks for its lock waits for it.

    Args:
        root: folder of dvc.yaml.
        what: the place or the act that a message begins with.

    Raises:
        UserError: there is no project, or DVC refuses what the block does with it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root), _wait_for_lock=True) as repo:
            yield repo
    except DvcException as error:
        raise UserError(f"{what}: {error}") from error
