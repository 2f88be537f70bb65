"""Run a command so that nothing of it outlives whoever asked for it.

A stage is a tree of processes: DVC, the shell, the stage, its workers. Killing the first alone
leaves the others training. `run` therefore puts a small supervisor between: it starts the command
in a session of its own and reads its own standard input, a pipe that only the caller holds. When
the caller ends, in whatever way, the pipe closes and the supervisor stops the whole process group.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

TIMED_OUT = 124
"""Exit code of a command that was stopped for taking too long, as of timeout(1)."""
ABANDONED = 130
"""Exit code of a command that was stopped because its caller went away."""
PATIENCE = ((signal.SIGINT, 5.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))
"""Signals to a group that should end, and the seconds each is given."""
POLL_S = 0.05


def run(
    command: Sequence[str],
    cwd: Path,
    on_line: Callable[[str], None],
    time_limit_s: float | None = None,
    hold: Sequence[int] = (),
) -> int:
    """Run a command under a supervisor, giving each line that it prints to `on_line`.

    Args:
        command: program and arguments.
        cwd: folder to run it in.
        on_line: takes a line of standard output or error, without its end.
        time_limit_s: seconds after which it is stopped.
        hold: file descriptors that stay open until the last process is gone, such as a lock's.

    Returns:
        The exit code, `TIMED_OUT`, or 128 and the number of the signal that killed it.
    """
    with subprocess.Popen(
        supervised(command, time_limit_s),
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},  # lines come when they are printed
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        errors="replace",
        start_new_session=True,  # Ctrl+C reaches the caller alone
        pass_fds=hold,
    ) as supervisor:
        try:
            for line in supervisor.stdout or ():
                on_line(line.rstrip())
            return supervisor.wait()
        except BaseException:
            if supervisor.stdin:
                supervisor.stdin.close()
            for line in supervisor.stdout or ():
                with contextlib.suppress(Exception):
                    on_line(line.rstrip())
            raise


def supervised(command: Sequence[str], time_limit_s: float | None = None) -> list[str]:
    """Return the command of a supervisor of a command, whose standard input must be a pipe."""
    limit = "" if time_limit_s is None else str(time_limit_s)
    # -P: no neighbours shadow the library
    return [sys.executable, "-P", __file__, limit, *command]


def main() -> int:
    """Be the supervisor: `supervisor.py LIMIT COMMAND...`, LIMIT in seconds or empty."""
    # Whoever was started in a shell's background ignores interrupts, and so would the command.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    limit, *command = sys.argv[1:]
    deadline = time.monotonic() + float(limit) if limit else float("inf")
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    code = None
    while code is None:
        if select.select([sys.stdin], [], [], POLL_S)[0]:
            code = ABANDONED  # nothing is ever written: readable means closed
        elif time.monotonic() > deadline:
            code = TIMED_OUT
        else:
            code = child.poll()
    stop(child)
    return code if code >= 0 else 128 - code


def stop(child: "subprocess.Popen[bytes]") -> None:
    """End the group of processes that `child` leads, gently at first."""
    for number, seconds in PATIENCE:
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _alive(child):
            time.sleep(POLL_S)
    child.wait()


def _alive(child: "subprocess.Popen[bytes]") -> bool:
    child.poll()  # a dead leader that nobody waited for would count as alive
    try:
        os.killpg(child.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
