"""Files that DVC writes in place: a kill meanwhile leaves them half-written.

They are its record of who reads and writes which path, `dvc.lock`, and the `.dvc` files of data
that it tracks. DVC then refuses to run or, where a `.dvc` file is empty, knows of no data.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from gan_augment.errors import UserError
from gan_augment.lock import warn
from gan_augment.versions import git

RECORD = Path(".dvc/tmp/rwlock")
GUARD = Path(".dvc/tmp/lock")
LOCK = Path("dvc.lock")
CONFLICT = b"<<<<<<< "
"""Of a merge, which is the user's to resolve."""


class Kind(NamedTuple):
    """One of them.

    Attributes:
        check: raises ValueError for contents that DVC would refuse.
        guard: the lock that DVC holds while it writes.
        restore: does with the file what `advice` tells.
        advice: what to do by hand.
        harm: what DVC does meanwhile.
    """

    check: Callable[[bytes], object]
    guard: Path
    restore: Callable[[Path], None]
    advice: str
    harm: str = "refuses to run"


def _check_lock(content: bytes) -> None:
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(_parsed(content) or {})
    except Invalid as error:
        raise ValueError from error


def _check_data(content: bytes) -> None:
    """Refuse what names no data, though DVC may take it."""
    parsed = _parsed(content)
    outs = parsed.get("outs") if isinstance(parsed, dict) else None
    if not isinstance(outs, list) or not outs:
        raise ValueError
    if not all(isinstance(out, dict) and out.get("path") for out in outs):
        raise ValueError


def _parsed(content: bytes) -> object:
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError from error


def _take_committed(file: Path) -> None:
    """Take what the last commit has.

    Raises:
        UserError: it has no such file.
    """
    file.write_bytes(git.run(file.parent, "show", f"HEAD:./{file.name}"))


def _restore_lock(file: Path) -> None:
    """Take that of the last commit; without one, DVC finds what it made in its cache of runs."""
    try:
        _take_committed(file)
    except UserError:
        file.unlink()


KINDS: Mapping[Path, Kind] = {
    RECORD: Kind(json.loads, Path(f"{RECORD}.lock"), Path.unlink, "delete it"),
    LOCK: Kind(
        _check_lock,
        GUARD,
        _restore_lock,
        f"`git checkout HEAD {LOCK}`, or delete it if no commit has it",
    ),
}


def damaged(root: Path) -> dict[Path, Kind]:
    """Return which of them are there in a project, from its folder, and are not what DVC takes."""
    kinds = {**KINDS, **_of_data(root)}
    return {file: kind for file, kind in kinds.items() if _refused(root / file, kind)}


def _of_data(root: Path) -> dict[Path, Kind]:
    """Return the `.dvc` files that the last commit has; none without git."""
    try:
        names = git.names(root, "ls-tree", "-r", "-z", "--name-only", "HEAD")
    except UserError:
        return {}
    return {Path(name): _kind_of_data(name) for name in names if name.endswith(".dvc")}


def _kind_of_data(name: str) -> Kind:
    advice = f"`git checkout HEAD {name}`"
    return Kind(_check_data, GUARD, _take_committed, advice, "fails, or knows of no data")


def _refused(path: Path, kind: Kind) -> bool:
    try:
        content = path.read_bytes()
    except OSError:  # not there, or DVC says itself what is the matter
        return False
    try:
        if CONFLICT not in content:
            kind.check(content)
    except ValueError:
        return True
    return False


def mend(root: Path, tell: Callable[[str], None] = warn) -> None:
    """Delete or restore what is damaged and nobody is writing; `tell` takes a sentence for each."""
    for file, kind in damaged(root).items():
        from dvc.lock import LockError, make_lock

        guard = make_lock(str(root / kind.guard), tmp_dir=str(root / ".dvc/tmp"), wait=False)
        with suppress(LockError, OSError), guard:
            if _refused(root / file, kind):
                kind.restore(root / file)
                if not _refused(root / file, kind):  # the last commit may have it damaged, too
                    tell(f"{file}, left damaged by a killed run, is mended")
