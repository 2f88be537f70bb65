"""Whose code made a version: the project's commit, and the package that really ran."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan_augment.errors import UserError
from gan_augment.versions import git


def made_by(root: Path) -> dict[str, Any]:
    """Return what goes on record about the code that was run.

    The package need not be that of the project's checkout: a command that comes first on the PATH
    may be another's.

    Returns:
        `commit`, of the project; `package`, the version that is installed; if that is a checkout of
        its own, whose code runs as it is, `checkout`, its commit, and whether it was `changed`
        since; both None for a package that was installed whole.
    """
    commit, changed = _checkout(Path(__file__).parents[1])
    return {
        "commit": git.line(root, "rev-parse", "HEAD"),
        "package": version("gan-augment"),
        "checkout": commit,
        "changed": changed,
    }


def _checkout(package: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the repository that tracks a folder, and whether the folder differs."""
    try:
        git.run(package, "ls-files", "--error-unmatch", "__init__.py")
        changed = git.line(package, "status", "--porcelain", "--", ".") != ""
        return git.line(package, "rev-parse", "HEAD"), changed
    except UserError:
        return None, None
