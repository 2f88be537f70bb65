"""Commands that fail, or do not end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gan_augment.doctor import ask as module
from gan_augment.doctor.ask import SilentError, ask, tell


def test_what_fails_is_told_by_its_last_line(tmp_path: Path) -> None:
    failing = "import sys; print('one'); sys.exit('two\\n')"
    with pytest.raises(SilentError, match="^two$"):
        tell([sys.executable, "-c", failing], tmp_path)
    with pytest.raises(SilentError, match="exit code 3"):
        tell([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    with pytest.raises(SilentError, match="No module named"):
        ask("gan_augment.nothing_of_this_name", tmp_path)


def test_what_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 1.0)
    sleep = f"sleep 86399.{os.getpid()}"  # no other run of these tests on this machine has that
    started = time.monotonic()
    with pytest.raises(SilentError, match="no answer within 1 s"):
        tell(["sh", "-c", f"{sleep} & wait"], tmp_path)
    assert time.monotonic() - started < 20
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert sleep not in running.stdout
