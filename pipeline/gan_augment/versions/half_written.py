"""Files that DVC writes in place: a kill meanwhile leaves them half-written.

DVC then refuses to run. They are its record of who reads and writes which path, and `dvc.lock`.
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
LOCK = Path("dvc.lock")
CONFLICT = b"<<<<<<< "
"""Of a merge, which is the user's to resolve."""


class Kind(NamedTuple):
    """One of them.

    Attributes:
        check: raises ValueError for contents that DVC would refuse.
        guard: the lock that DVC holds while it writes.
        restore: does, in a project's folder, what `advice` tells.
        advice: what to do by hand.
    """

    check: Callable[[bytes], object]
    guard: Path
    restore: Callable[[Path], None]
    advice: str


def _check_lock(content: bytes) -> None:
    if CONFLICT in content:
        return
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(content) or {})
    except (yaml.YAMLError, Invalid) as error:
        raise ValueError from error


def _delete_record(root: Path) -> None:
    (root / RECORD).unlink()


def _restore_lock(root: Path) -> None:
    """Take that of the last commit; without one, DVC finds what it made in its cache of runs."""
    try:
        (root / LOCK).write_bytes(git.run(root, "show", f"HEAD:./{LOCK}"))
    except UserError:
        (root / LOCK).unlink()


KINDS: Mapping[Path, Kind] = {
    RECORD: Kind(json.loads, Path(f"{RECORD}.lock"), _delete_record, "delete it"),
    LOCK: Kind(
        _check_lock,
        Path(".dvc/tmp/lock"),
        _restore_lock,
        f"`git checkout HEAD {LOCK}`, or delete it if no commit has it",
    ),
}


def damaged(root: Path) -> list[Path]:
    """Return which of them are there in a project, and are not what DVC takes."""
    return [file for file, kind in KINDS.items() if _refused(root / file, kind)]


def _refused(path: Path, kind: Kind) -> bool:
    try:
        kind.check(path.read_bytes())
    except ValueError:
        return True
    except OSError:  # not there, or DVC says itself what is the matter
        return False
    return False


def mend(root: Path, tell: Callable[[str], None] = warn) -> None:
    """Delete or restore what is damaged and nobody is writing; `tell` takes a sentence for each."""
    for file in damaged(root):
        from dvc.lock import LockError, make_lock

        kind = KINDS[file]
        guard = make_lock(str(root / kind.guard), tmp_dir=str(root / ".dvc/tmp"), wait=False)
        with suppress(LockError, OSError), guard:
            if _refused(root / file, kind):
                kind.restore(root)
                tell(f"{file}, left damaged by a killed run, is mended")
