"""The supervisor, with real processes: nothing outlives its caller."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_augment.versions import supervisor
from tests.processes import ended

# The child says when it is up: an interpreter that still reads .pth files swallows an interrupt.
TREE = """
import subprocess, sys, time
sleeper = "import time; print('up', flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", sleeper], stdout=subprocess.PIPE)
child.stdout.readline()
open("pids", "w").write(f"{__import__('os').getpid()} {child.pid}")
print("started", flush=True)
time.sleep(60)
"""
CALLER = """
import sys
from pathlib import Path
from gan_augment.versions import supervisor
supervisor.run([sys.executable, "tree.py"], Path("."), print)
"""


def pids(folder: Path) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        written = (folder / "pids").read_text().split() if (folder / "pids").exists() else []
        if len(written) == 2:
            return [int(pid) for pid in written]
        time.sleep(0.05)
    raise AssertionError("the tree of processes did not start")


def test_lines_and_exit_code_come_through(
    tmp_path: Path, lines: list[str], on_line: Callable[[str], None]
) -> None:
    code = supervisor.run(["sh", "-c", "echo out; echo err >&2; exit 7"], tmp_path, on_line)
    assert (code, lines) == (7, ["out", "err"])


def test_a_signal_is_told_as_a_shell_does(tmp_path: Path, on_line: Callable[[str], None]) -> None:
    assert supervisor.run(["sh", "-c", "kill -9 $$"], tmp_path, on_line) == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_caller_dies_all_that_it_started_ends(tmp_path: Path, number: int) -> None:
    (tmp_path / "tree.py").write_text(TREE)
    (tmp_path / "caller.py").write_text(CALLER)
    caller = subprocess.Popen(
        [sys.executable, "caller.py"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=-3
    )
    tree = pids(tmp_path)
    caller.send_signal(number)
    caller.wait(timeout=10)
    assert ended(tree)


def test_the_time_limit_stops_the_whole_tree(
    tmp_path: Path, on_line: Callable[[str], None], lines: list[str]
) -> None:
    (tmp_path / "tree.py").write_text(TREE)
    began = time.monotonic()
    code = supervisor.run([sys.executable, "tree.py"], tmp_path, on_line, time_limit_s=10)
    assert code == supervisor.TIMED_OUT
    assert time.monotonic() - began < 40
    assert "started" in lines
    assert ended(pids(tmp_path))


def test_what_ignores_a_polite_signal_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        supervisor, "PATIENCE", tuple((number, 0.2) for number, _ in supervisor.PATIENCE)
    )
    deaf = "trap '' INT TERM; echo $$; while :; do sleep 0.1; done"
    child = subprocess.Popen(["sh", "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    supervisor.stop(child)
    assert child.returncode == -signal.SIGKILL


def test_workers_that_a_dead_command_left_behind_are_stopped(
    tmp_path: Path, on_line: Callable[[str], None]
) -> None:
    tree = TREE.replace("time.sleep(60)\n", "__import__('os').kill(__import__('os').getpid(), 9)\n")
    (tmp_path / "tree.py").write_text(tree)
    code = supervisor.run([sys.executable, "tree.py"], tmp_path, on_line)
    assert code == 128 + signal.SIGKILL
    assert ended(pids(tmp_path))


def test_a_command_can_be_interrupted_though_its_caller_ignores_that(
    tmp_path: Path, on_line: Callable[[str], None], lines: list[str]
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        tell = "import signal; print(signal.getsignal(signal.SIGINT))"
        supervisor.run([sys.executable, "-c", tell], tmp_path, on_line)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "default_int_handler" in lines[0]


def test_an_interrupted_caller_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "tree.py").write_text(TREE)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        supervisor.run([sys.executable, "tree.py"], tmp_path, interrupt)
    assert ended(pids(tmp_path))
