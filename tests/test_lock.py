import errno
import fcntl
import os
import resource
import threading
from pathlib import Path

import pytest

from gan_augment import lock
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


def test_who_waited_for_a_file_that_was_deleted_holds_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "POLL_S", 0.01)
    path, waits, told = tmp_path / "folder" / "lock", threading.Event(), []

    def second() -> None:
        with locked(path, "busy", on_wait=lambda _: waits.set()) as descriptor:
            told.append(lock.is_at(descriptor, path))

    thread = threading.Thread(target=second)
    with locked(path, "busy"):
        thread.start()
        assert waits.wait(10)
        path.unlink()
        path.parent.rmdir()
    thread.join()
    assert told == [True]
