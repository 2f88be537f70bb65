"""A project as it is in a commit, opened with DVC without a checkout."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_augment.versions import git

if TYPE_CHECKING:
    from dvc.repo import Repo


@contextmanager
def opened(
    repository: Path, revision: str, folder: str, config: Mapping[str, Any]
) -> Iterator["Repo"]:
    """Open the project that a commit has.

    Args:
        repository: top of the git repository, or a bare one.
        revision: a commit, or something that names one.
        folder: of the project, from the top; "" if it is the top.
        config: settings of DVC that go before those of the project.
    """
    from dvc.fs import GitFileSystem
    from dvc.repo import Repo
    from dvc.scm import Git

    commit = git.line(repository, "rev-parse", f"{revision}^{{commit}}")
    scm = Git(str(repository))
    files = GitFileSystem(scm=scm, rev=commit)
    root = "/" + folder.rstrip("/")
    with Repo(root, fs=files, scm=scm, config=dict(config)) as repo:
        yield repo


def remotes(root: Path) -> dict[str, dict[str, Any]]:
    """Return the DVC remotes of a checkout, with the paths that its own settings give."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return {name: dict(settings) for name, settings in repo.config["remote"].items()}
