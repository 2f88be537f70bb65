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

MARKS = ("ERROR: ", "error: ", "fatal: ")
"""How the lines begin in which DVC and git say why they failed."""


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
        dvc(root, "init", *below, *again)
        dvc(root, "config", "core.analytics", "false")


def of_dvc(root: Path) -> bool:
    """Return whether a folder is the root of a DVC repository."""
    return (root / ".dvc" / "config").is_file()


def commit(root: Path, names: Sequence[str], message: str) -> str:
    """Commit some files alone; return the commit, or why git made none, beginning with "not".

    Raises:
        UserError: git ignores one of the files, or cannot take them.
    """
    if ignored := _ignored(root, names):
        raise UserError(
            f"git ignores {', '.join(ignored)} in {root}, which a project is made of: take the "
            f"pattern away that `git check-ignore --verbose {ignored[0]}` names there"
        )
    git(root, "add", "--", *names)
    try:
        git(root, "commit", "--quiet", "--message", message, "--only", "--", *names)
    except UserError as error:
        return f"not committed ({error}): set git's user.name and user.email, then `git commit`"
    return git(root, "rev-parse", "--short", "HEAD")


def git(root: Path, *arguments: str) -> str:
    """Run git in `root`; return what it prints.

    Raises:
        UserError: it fails; with the line that says why.
    """
    return _run(root, "git", ["git", *arguments])


def dvc(root: Path, *arguments: str) -> str:
    """Run DVC in `root`, as `git` does git; with `--quiet` it would not say why it fails."""
    return _run(root, "dvc", [sys.executable, "-m", "dvc", *arguments])


def _in_git(root: Path) -> bool:
    """Return whether `root` is in a git repository that would take files from it.

    Raises:
        UserError: git does not say.
    """
    try:
        git(root, "rev-parse", "--git-dir")
    except UserError as error:
        if "not a git repository" in str(error):
            return False
        raise
    return (root / ".git").exists() or not _ignored(root, ["."])


def _ignored(root: Path, names: Sequence[str]) -> list[str]:
    """Return those of some files and folders in a git repository that git ignores."""
    done = _ask(root, ["git", "-c", "core.quotePath=false", "check-ignore", "--", *names])
    return done.stdout.splitlines()


def _run(root: Path, name: str, command: Sequence[str]) -> str:
    done = _ask(root, command)
    if done.returncode:
        raise UserError(f"{name}: {_reason(done.stderr or done.stdout)}")
    return done.stdout.strip()


def _ask(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command, which speaks English whatever the user's language is."""
    return subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "DVC_NO_ANALYTICS": "1", "LANGUAGE": "C"},
        capture_output=True,
        text=True,
        errors="backslashreplace",
        check=False,
    )


def _reason(said: str) -> str:
    """Return the first line that is marked as an error, else the first that is no hint.

    Further errors of git follow from the first, and DVC's last line says where to ask for help.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line.removeprefix(mark) for line in lines for mark in MARKS if line.startswith(mark)]
    others = [line for line in lines if not line.startswith("hint:")]
    return next(iter(marked + others), "failed")
