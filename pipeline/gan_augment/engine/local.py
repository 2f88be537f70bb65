"""This machine: workers on its cores, and files that all of them can read."""

import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from loky import ProcessPoolExecutor, cpu_count, get_reusable_executor

from gan_augment.engine.filed import Filed, file
from gan_augment.temporary import temporary_folder

Value = TypeVar("Value")
SHARE = "LOKY_MAX_CPU_COUNT"
"""Environment variable: how many cores a process and what it starts may use at most."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables: with how many threads numerical libraries compute."""
POLL_S = 0.5


def cores() -> int:
    """Return how many tasks of one thread can run at once."""
    return int(cpu_count())


def alone() -> bool:
    """Return whether workers would have no core beside this process."""
    return cores() == 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numerical libraries compute with one thread meanwhile, as they do in a worker.

    Those that are loaded meanwhile, by what they find in the environment, keep to it.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 1
    try:
        with threadpool_limits(1):
            if torch:
                torch.set_num_threads(1)
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def workers() -> Iterator[Executor]:
    """Yield a process a core, each of one thread.

    They end when they have been idle a while, and with this process.
    """
    threads = dict.fromkeys(THREADS, "1")
    # One that has grown is replaced, which loses nothing and is nothing that a user could act on.
    warnings.filterwarnings("ignore", "A worker was restarted", UserWarning)
    pool = get_reusable_executor(
        max_workers=cores(), env=threads, initializer=_end_with, initargs=(os.getpid(),)
    )
    try:
        yield pool
    except GeneratorExit:
        raise
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise


def at_once(tasks: int, threads: int, gpu: bool) -> int:
    """Return how many tasks that fan out themselves run at once: one where each needs the GPU."""
    most = 1 if gpu and _has_gpu() else tasks
    return max(min(cores() // threads, most, tasks), 1)


@contextmanager
def shares(tasks: int, threads: int, gpu: bool) -> Iterator[Executor]:
    """Yield processes with a share of the cores each, which end with this one."""
    number = at_once(tasks, threads, gpu)
    limits = {**dict.fromkeys(THREADS, str(threads)), SHARE: str(cores() // number)}
    pool = ProcessPoolExecutor(number, env=limits, initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield pool
    finally:
        pool.shutdown(kill_workers=True)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, in the middle of whatever it does."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def shared(value: Value) -> Iterator[Filed[Value]]:
    """Put a value into files while this lasts."""
    with temporary_folder() as folder:
        place = folder / "shared"
        place.mkdir()
        yield file(value, place)


@dataclass(frozen=True)
class Here:
    """A folder that all workers have."""

    folder: Path

    def run(self, work: Callable[[Path], None]) -> bytes:
        """Work there; nothing has to go back."""
        work(self.folder)
        return b""

    def receive(self, left: bytes) -> None:
        """Do nothing: all is there."""


def workplace(folder: Path, takes: Sequence[str], leaves: Sequence[str]) -> Here:  # noqa: ARG001
    """Return the folder itself."""
    return Here(folder)
