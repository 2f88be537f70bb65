import errno
import fcntl
import os
import resource
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.lock import locked


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_one_message(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError) as told, locked(tmp_path / "lock", "busy"):
        pass
    assert str(told.value).startswith(f"cannot lock {tmp_path}/lock: {os.strerror(code)}; ")
    assert "work on another one" in str(told.value)


def test_a_full_disk_keeps_nobody_from_a_lock(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with locked(tmp_path / "lock", "busy"):
            assert (tmp_path / "lock").read_text() == ""
            with pytest.raises(UserError, match="^busy: try"), locked(tmp_path / "lock", "busy", 0):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
