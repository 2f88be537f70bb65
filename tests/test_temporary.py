"""What a killed process left in TMPDIR, or in scratch, goes with the next."""

import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from gan_augment.engine import shared
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.temporary import scratch_of


def test_what_a_killed_process_shared_is_deleted_by_the_next_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    sharing = """
import time
from gan_augment.engine import shared
with shared([1, 2]) as value:
    print(value.folder, flush=True)
    time.sleep(300)
"""
    command = [sys.executable, "-c", sharing]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, living = (
        Path(str(process.stdout and process.stdout.readline().strip())) for process in both
    )
    (tmp_path / "gan-augment-of-others").mkdir()
    both[0].kill()
    both[0].communicate()
    assert killed.exists()
    with shared([3]) as value:
        assert not killed.parent.exists()
        assert living.exists()
        assert value.get() == [3]
    both[1].kill()
    both[1].communicate()
    assert (tmp_path / "gan-augment-of-others").exists()


EARLIER, LATER = "0" * 15 + "a", "1" * 15 + "b"


def test_scratch_is_kept_for_the_same_run_and_goes_when_all_is_done(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a bound"), scratch_of(tmp_path, LATER) as folder:
        (folder / "block").touch()
        raise UserError("a bound")
    with scratch_of(tmp_path, LATER) as folder:
        assert folder == tmp_path / LATER
        assert (folder / "block").exists()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError), scratch_of(tmp_path, LATER):
        raise UserError("before there was anything to keep")
    assert list(tmp_path.iterdir()) == []


def test_who_waited_works_in_a_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first deletes its folder at the end, the lock that the second waits for with it."""
    monkeypatch.setattr("gan_augment.lock.POLL_S", 0.01)
    waits = threading.Event()
    waiting = partial(locked, on_wait=lambda _: waits.set())
    monkeypatch.setattr("gan_augment.temporary.locked", waiting)
    found: list[list[str]] = []

    def second() -> None:
        with scratch_of(tmp_path, LATER) as folder:
            (folder / "of the second").touch()
            found.append(sorted(path.name for path in folder.iterdir()))

    thread = threading.Thread(target=second)
    with scratch_of(tmp_path, LATER) as folder:
        (folder / "of the first").touch()
        thread.start()
        assert waits.wait(10)
    thread.join()
    assert found == [["lock", "of the second"]]
    assert list(tmp_path.iterdir()) == []


def test_scratch_of_earlier_settings_goes_and_nothing_else(tmp_path: Path) -> None:
    for name in (EARLIER, "init_from", "0123", "f" * 17):
        (tmp_path / name).mkdir()
        (tmp_path / name / "checkpoint").touch()
    with scratch_of(tmp_path, LATER, own=False):
        assert (tmp_path / EARLIER).exists()
    with scratch_of(tmp_path, LATER) as folder:
        there = {path.name for path in folder.parent.iterdir()}
        assert there == {LATER, "init_from", "0123", "f" * 17}


def test_scratch_of_a_process_at_work_stays_and_of_a_killed_one_goes(tmp_path: Path) -> None:
    at_work = f"""
import time
from pathlib import Path
from gan_augment.temporary import scratch_of
with scratch_of(Path({str(tmp_path)!r}), {EARLIER!r}) as folder:
    (folder / "checkpoint").touch()
    print(flush=True)
    time.sleep(300)
"""
    other = subprocess.Popen([sys.executable, "-c", at_work], stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    with scratch_of(tmp_path, LATER):
        assert (tmp_path / EARLIER / "checkpoint").exists()
    other.kill()
    other.communicate()
    with scratch_of(tmp_path, LATER):
        assert not (tmp_path / EARLIER).exists()
