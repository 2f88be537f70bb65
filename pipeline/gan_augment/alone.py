"""One process a stage and folder, and none that outlives the `dvc repro` that started it.

Two processes of one stage in one folder would write the same outputs and delete each other's
scratch. The second waits, and says for whom. A `dvc` that is killed leaves its stage behind, which
goes within a second.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gan_augment.lock import locked

if TYPE_CHECKING:
    import psutil

LOCKS = Path(".scratch/locks")
BY_DVC = "DVC_STAGE"
"""Environment variable: DVC sets it for the commands of stages."""
RANK = "RANK"
"""Environment variable: torchrun numbers the processes of one training."""
SHELLS = {"sh", "bash", "dash", "zsh", "fish", "ksh"}
POLL_S, PATIENCE_S = 0.5, 20.0


@contextmanager
def at_work(stage: str) -> Iterator[None]:
    """Be the only process of a stage in the current folder, for as long as the block lasts.

    Raises:
        UserError: the folder cannot be written.
    """
    _end_with_dvc()
    if os.environ.get(RANK, "0") != "0":  # the first process of the group holds it for all
        yield
        return
    busy = f"another `gan-augment {stage}` is at work in {Path.cwd()}"
    with locked(LOCKS / stage, busy):
        yield


def _end_with_dvc() -> None:
    """Interrupt this process once the DVC that started it is gone, however that ended."""
    if BY_DVC not in os.environ or threading.current_thread() is not threading.main_thread():
        return
    import psutil

    # The shell between may stay when DVC is killed. One in a shell's background ignores interrupts.
    above = [p for p in psutil.Process().parents() if p.name() not in SHELLS]
    if above:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_watch, args=(above[0],), daemon=True).start()


def _watch(starter: "psutil.Process") -> None:
    """Wait for a process to end, then end this one, gently at first."""
    while _alive(starter):
        time.sleep(POLL_S)
    with contextlib.suppress(OSError):  # nobody may be left to read it
        print("dvc, which started this, is gone", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE_S)
    os._exit(128 + signal.SIGINT)


def _alive(process: "psutil.Process") -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
