"""What the workers of the engine's tests do.

A worker imports the module of its task: this one imports in no time what all need.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np

from gan_augment.engine import ENGINE, SHARE, Shared, Workplace, fan_out
from gan_augment.errors import UserError


def square(number: int) -> tuple[int, int]:
    """Return the square, and who computed it."""
    return number**2, os.getpid()


def third(value: Shared[np.ndarray], number: int) -> tuple[float, bool]:
    """Return an item of what is shared, and whether it could be changed."""
    array = value.get()
    return float(array[number]), array.flags.writeable


def linger(number: int) -> int:
    """Return the number after a second."""
    time.sleep(1)
    return number


GROWN: list[np.ndarray] = []


def grow(_: int) -> int:
    """Keep 400 MB more, and return who does after a second."""
    GROWN.append(np.ones(50_000_000))
    time.sleep(1.1)
    return os.getpid()


def within(workers: int, meeting: Path, number: int) -> tuple[int, str, list[int]]:
    """Fan out once more, when so many workers have met.

    Return who did, in what share of the cores, and who did the work.
    """
    (meeting / str(os.getpid())).touch()
    while len(list(meeting.iterdir())) < workers:
        time.sleep(0.01)
    inner = fan_out(square, [number] * 4, "test", "numbers")
    return os.getpid(), os.environ[SHARE], [process for _, process in inner]


def blas(_: int) -> set[int]:
    """Return with how many threads libraries compute."""
    import sklearn  # noqa: F401
    import torch
    from threadpoolctl import threadpool_info

    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())}


def refuse(number: int) -> int:
    """Refuse 1, and take long for others."""
    if number == 1:
        raise UserError("one")
    time.sleep(60)
    return number


def die(number: int) -> int:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def slowly(folder: Path, number: int) -> np.ndarray:
    """Return more than fits into a message, after saying that it began, and not as the first."""
    (folder / f"{number}-{os.getpid()}").touch()
    while len(processes(folder)) < 2:
        time.sleep(0.01)
    time.sleep(0.5)
    return np.full(100_000, number)


def processes(folder: Path) -> set[str]:
    """Return the processes that `slowly` began in."""
    return {file.name.split("-")[1] for file in folder.iterdir()}


def at_home(_: int) -> tuple[str, str, set[int], bool]:
    """Return the engine and the share of a worker, its threads, and whether it fans out."""
    inner = fan_out(square, [1, 2], "test", "numbers")
    return os.environ[ENGINE], os.environ[SHARE], blas(0), {p for _, p in inner} == {os.getpid()}


def here(_: int) -> Path:
    """Return where paths count from."""
    return Path.cwd()


def add_up(place: Workplace) -> bytes:
    """Write the sum of what lies in a folder, besides what is of no use elsewhere."""

    def work(folder: Path) -> None:
        numbers = [int(file.read_text()) for file in folder.rglob("*.txt")]
        (folder / "sum").mkdir()
        (folder / "sum" / "number").write_text(str(sum(numbers)))
        (folder / "waste").touch()
        (folder / "all.done").touch()

    return place.run(work)


def killed_once(folder: Path, number: int) -> int:
    """Kill this process, but not again."""
    mark = folder / str(number)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def half_way_once(mark: Path, place: Workplace) -> bytes:
    """Leave something in a folder, and die before it is whole, but not again."""

    def work(folder: Path) -> None:
        assert [file.name for file in folder.iterdir()] == ["given"]
        (folder / "made").write_text("half")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / "made").write_text("whole")

    return place.run(work)
