"""What a killed process left in TMPDIR goes with the next."""

import subprocess
import sys
from pathlib import Path

import pytest

from gan_augment.engine import shared


def test_what_a_killed_process_shared_is_deleted_by_the_next_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    sharing = """
import time
from gan_augment.engine import shared
with shared([1, 2]) as value:
    print(value.file, flush=True)
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
