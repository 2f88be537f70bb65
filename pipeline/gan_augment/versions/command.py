"""Commands under the supervisor, and what their failures mean."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_augment.errors import without_passwords
from gan_augment.versions import half_written, supervisor

PASSES = re.compile(
    r"unable to acquire lock|is busy, it is being blocked|files? failed to (up|down)load"
    r"|failed to connect|connect call failed|connection (refused|reset|lost|closed|aborted|error)"
    r"|timed? ?out"
    r"|name or service not known|temporary failure in name resolution|no route to host"
    r"|network is unreachable|service unavailable|slow ?down|too many requests"
    r"|could not resolve host|returned error: (5\d\d|429)|hung up unexpectedly",
    re.IGNORECASE,
)
"""What a message says if trying again later may help: a lock, or a remote out of reach."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: exit code; 0 is success, `supervisor.TIMED_OUT` too long.
        reason: the message it failed with; empty for success.
        printed: all its lines.
    """

    code: int
    reason: str
    printed: list[str]

    @property
    def passes(self) -> bool:
        """Whether what it failed from may be gone at another try."""
        return self.code != supervisor.TIMED_OUT and bool(PASSES.search(self.reason))


def dvc(
    root: Path,
    arguments: Sequence[str],
    on_line: Callable[[str], None],
    time_limit_s: float | None = None,
    hold: Sequence[int] = (),
) -> Outcome:
    """Run `dvc ARGUMENTS` in `root`; the other arguments are those of `supervisor.run`."""
    half_written.mend(root, on_line)
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    return _run(command, root, on_line, time_limit_s, hold)


def gan_augment(
    root: Path, arguments: Sequence[str], on_line: Callable[[str], None], hold: Sequence[int] = ()
) -> Outcome:
    """Run `gan-augment ARGUMENTS` in `root`; the other arguments are those of `supervisor.run`."""
    command = [sys.executable, "-m", "gan_augment.cli", *arguments]
    return _run(command, root, on_line, None, hold)


def _run(
    command: Sequence[str],
    root: Path,
    on_line: Callable[[str], None],
    time_limit_s: float | None,
    hold: Sequence[int],
) -> Outcome:
    printed: list[str] = []

    def take(line: str) -> None:
        if line.strip():
            printed.append(without_passwords(line))
            on_line(printed[-1])

    code = supervisor.run(command, root, take, time_limit_s, hold)
    if code == supervisor.TIMED_OUT:
        reason = f"stopped after its time limit of {(time_limit_s or 0) / 60:g} min"
    else:
        reason = _reason(printed) if code else ""
    return Outcome(code, reason, printed)


def _reason(printed: Sequence[str]) -> str:
    """Return the stage's own message, if it gave one, else the last of DVC's."""
    for prefix in ("error: ", "ERROR: "):
        said = [line.removeprefix(prefix).strip() for line in printed if line.startswith(prefix)]
        if said:
            return said[-1]
    return "see its log"
