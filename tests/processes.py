"""Whether processes that tests started are gone."""

import time
from collections.abc import Iterable

import psutil


def ended(processes: Iterable[int], seconds: float = 5) -> bool:
    """Tell whether all are gone within some seconds, by their ids."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(map(alive, processes)):
            return True
        time.sleep(0.05)
    return False


def alive(process: int) -> bool:
    """Tell whether a process runs; a zombie does not, whom only its parent has yet to ask."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
