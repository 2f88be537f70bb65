"""Commands that a look needs: in the project's folder, within a time limit, leaving nothing behind.

What imports torch, DVC or Prefect, or talks to a remote, is a process of its own: it may hang or
crash without taking the others' findings along, and all run at once.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_augment.versions import supervisor

PATIENCE_S = 30.0


class SilentError(Exception):
    """A command failed or did not end in time.

    Attributes:
        lines: what it printed, in place of nothing its exit code; that it took too long.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines[-1])
        self.lines = lines


class LateError(SilentError):
    """A command did not end in time."""


def ask(module: str, root: Path) -> dict[str, Any]:
    """Return the JSON object that a module prints, on a line, when it is run in `root`.

    Raises:
        SilentError: it failed; as a `LateError`, it did not end in time.
    """
    lines = tell([sys.executable, "-P", "-m", module], root)
    answer: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))
    return answer


def tell(command: Sequence[str], root: Path) -> list[str]:
    """Return the lines that a command prints when it is run in `root`.

    Raises:
        SilentError: as of `ask`.
    """
    lines: list[str] = []
    code = supervisor.run(command, root, lines.append, PATIENCE_S)
    if code == supervisor.TIMED_OUT:
        raise LateError([f"no answer within {PATIENCE_S:g} s"])
    if code:
        said = [line.strip() for line in lines if line.strip()]
        raise SilentError(said or [f"exit code {code}"])
    return lines
