"""Git and DVC around a new project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.project.made import Made


def needs_tools() -> None:
    """Refuse to go on without git and DVC.

    Raises:
        UserError: one is missing.
    """
    if shutil.which("git") is None:
        raise UserError("a project needs git: install it")
    if find_spec("dvc") is None:
        raise UserError("a project needs DVC: pip install 'gan-augment[dvc]'")


def start(root: Path, made: Made) -> None:
    """Start the repositories that are not there yet, noting what that makes.

    A folder in a git repository that does not ignore it becomes a DVC repository of its own there.

    Raises:
        UserError: git or DVC fails.
    """
    if not _in_git(root):
        made.note(root / ".git")
        git(root, "init", "--quiet", "--initial-branch", "main")
    if not of_dvc(root):
        for name in (".dvc", ".dvcignore"):
            made.note(root / name)
        below = [] if (root / ".git").exists() else ["--subdir"]
        # DVC may have run here before, which leaves a folder of locks.
        again = ["--force"] if {file.name for file in (root / ".dvc").glob("*")} == {"tmp"} else []
        dvc(root, "init", "--quiet", *below, *again)
        dvc(root, "config", "core.analytics", "false")


def of_dvc(root: Path) -> bool:
    """Return whether a folder is the root of a DVC repository."""
    return (root / ".dvc" / "config").is_file()


def commit(root: Path, names: Sequence[str], message: str) -> str:
    """Commit some files alone; return the commit, or why git made none, beginning with "not".

    Raises:
        UserError: git cannot take the files.
    """
    git(root, "add", "--", *names)
    try:
        git(root, "commit", "--quiet", "--message", message, "--only", "--", *names)
    except UserError as error:
        return f"not committed ({error}): set git's user.name and user.email, then `git commit`"
    return git(root, "rev-parse", "--short", "HEAD")


def git(root: Path, *arguments: str) -> str:
    """Run git in `root`; return what it prints.

    Raises:
        UserError: it fails; with the last line that it says.
    """
    return _run(root, "git", ["git", *arguments])


def dvc(root: Path, *arguments: str) -> str:
    """Run DVC in `root`, as `git` does git."""
    return _run(root, "dvc", [sys.executable, "-m", "dvc", *arguments])


def _in_git(root: Path) -> bool:
    """Return whether `root` is in a git repository that would take files from it."""
    known = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], cwd=root, capture_output=True, check=False
    )
    ignored = subprocess.run(
        ["git", "check-ignore", "--quiet", "."], cwd=root, capture_output=True, check=False
    )
    return known.returncode == 0 and ((root / ".git").exists() or ignored.returncode != 0)


def _run(root: Path, name: str, command: Sequence[str]) -> str:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["failed"]
        raise UserError(f"{name}: {said[-1].removeprefix('ERROR: ')}")
    return done.stdout.strip()
