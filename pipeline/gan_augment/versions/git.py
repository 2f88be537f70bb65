"""Git's plumbing: commands, names as they are on disk, and commits made beside the checkout."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from gan_augment.errors import UserError


def run(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    hold: Sequence[int] = (),
) -> bytes:
    """Run `git ARGUMENTS` in a folder and return what it prints.

    Args:
        folder: where.
        *arguments: of git.
        stdin: what it reads.
        env: variables besides those of this process.
        hold: file descriptors that stay open until it ends, such as a lock's.

    Raises:
        UserError: it failed, with what git said; or there is no git, or no such folder.
    """
    try:
        done = subprocess.run(
            ["git", "--literal-pathspecs", *arguments],
            cwd=folder,
            input=stdin,
            capture_output=True,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(env or {})},
            pass_fds=hold,
            check=False,
        )
    except (FileNotFoundError, NotADirectoryError):
        if not folder.is_dir():
            said = "is a file, not a folder" if folder.exists() else "is not there"
            raise UserError(f"{folder} {said}") from None
        raise UserError("git is not installed, or not on the PATH") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise UserError(f"git {arguments[0]}: {said or 'failed'}")
    return done.stdout


def line(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return the one line that a command prints, "" if none."""
    return os.fsdecode(run(folder, *arguments, env=env)).removesuffix("\n")


def names(folder: Path, *arguments: str) -> list[str]:
    """Return the names that a command with `-z` prints, unquoted."""
    return [os.fsdecode(name) for name in run(folder, *arguments).split(b"\0") if name]


def prefix(folder: Path) -> str:
    """Return a folder's path from the top of its repository: "" there, else it ends with "/"."""
    return line(folder, "rev-parse", "--show-prefix")


def require_identity(folder: Path) -> None:
    """Raise a UserError, with what to do, if git does not know who commits."""
    try:
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            run(folder, "var", who)
    except UserError:
        advice = "`git config --global user.name NAME`, and user.email"
        raise UserError(f"git does not know who commits: {advice}") from None


def tag_ref(tag: str) -> str:
    """Return a tag's full name."""
    return f"refs/tags/{tag}"


def remote_tags(folder: Path, remote: str) -> list[str]:
    """Return the names of all tags of a remote, given by its name or URL.

    Raises:
        UserError: it is out of reach.
    """
    listed = line(folder, "ls-remote", "--refs", "--tags", "--", remote)
    return [entry.split("refs/tags/", 1)[1] for entry in listed.splitlines()]


def remote_branch(folder: Path, remote: str, branch: str) -> str | None:
    """Return the commit at the tip of a remote's branch, fetched; None if there is no branch.

    Raises:
        UserError: the remote is out of reach.
    """
    ref = f"refs/heads/{branch}"
    listed = line(folder, "ls-remote", remote, ref)
    if not listed:
        return None
    run(folder, "fetch", "--quiet", "--no-tags", remote, ref)
    return listed.split()[0]


def follows(folder: Path, later: str, earlier: str) -> bool:
    """Return whether one commit is the other, or has it among its ancestors."""
    return not line(folder, "rev-list", "--max-count=1", f"{later}..{earlier}")


def commit(
    folder: Path,
    base: str,
    files: Mapping[str, bytes | None],
    parents: Sequence[str],
    message: str,
) -> str:
    """Commit the tree of `base` with other contents of some files, and return the commit's hash.

    Neither the checkout, nor its index, nor any branch changes.

    Args:
        folder: in the repository.
        base: a commit.
        files: name, from the top of the repository, and content; None for a file that is gone.
        parents: commits that it follows.
        message: of the commit.
    """
    entries = [_entry(folder, name, content) for name, content in files.items()]
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        run(folder, "read-tree", base, env=index)
        run(folder, "update-index", "-z", "--index-info", stdin=b"".join(entries), env=index)
        tree = line(folder, "write-tree", env=index)
    after = [argument for parent in parents for argument in ("-p", parent)]
    return line(folder, "commit-tree", tree, *after, "-m", message)


def _entry(folder: Path, name: str, content: bytes | None) -> bytes:
    """Return a line of `git update-index --index-info`."""
    if content is None:
        return b"0 " + b"0" * 40 + b"\t" + os.fsencode(name) + b"\0"
    blob = run(folder, "hash-object", "-w", "--stdin", stdin=content).strip()
    return b"100644 " + blob + b"\t" + os.fsencode(name) + b"\0"
