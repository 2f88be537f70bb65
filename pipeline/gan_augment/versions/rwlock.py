"""DVC's record of who reads and writes which path: a kill while it is written leaves it empty.

DVC then refuses to run, until the file is deleted.
"""

import json
from contextlib import suppress
from pathlib import Path

RECORD = Path(".dvc/tmp/rwlock")


def damaged(root: Path) -> bool:
    """Return whether the record of a project is there and cannot be read."""
    try:
        json.loads((root / RECORD).read_bytes())
    except ValueError:
        return True
    except OSError:  # not there, or DVC says itself what is the matter
        return False
    return False


def mend(root: Path) -> None:
    """Delete the record if it cannot be read and nobody is writing it."""
    if not damaged(root):
        return
    from dvc.lock import LockError, make_lock

    record = root / RECORD
    guard = make_lock(f"{record}.lock", tmp_dir=str(record.parent), wait=False)
    with suppress(LockError, OSError), guard:
        if damaged(root):
            record.unlink()
