"""Where work fans out, over the cores of this machine or of a cluster: as a list or as a stream.

The environment variable GAN_AUGMENT_ENGINE says where. It is no param: no result depends on it.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from gan_augment.engine import kept, local
from gan_augment.engine.local import SHARE
from gan_augment.errors import UserError
from gan_augment.progress import progress
from gan_augment.storage import as_json, digest

__all__ = [
    "ENGINE",
    "SHARE",
    "Shared",
    "Workplace",
    "fan_out",
    "shared",
    "side_by_side",
    "stream",
    "workplace",
]

Task = TypeVar("Task")
Result = TypeVar("Result")
Value = TypeVar("Value")
Held_co = TypeVar("Held_co", covariant=True)
ENGINE = "GAN_AUGMENT_ENGINE"
"""Environment variable: `local`, which is the default; `ray`, the cluster that this machine is part
of; or `ray://HOST:PORT`, one elsewhere."""
IN_FLIGHT_BYTES = 2**29
"""Bytes of the tasks of a stream that are in memory, besides one task."""
LOOK_S = 2.0
"""Seconds between two looks at how far long tasks are."""


class Shared(Protocol[Held_co]):
    """A value that every worker reads once instead of getting it with every task."""

    def get(self) -> Held_co:
        """Return the value; its arrays cannot be written to."""


class Workplace(Protocol):
    """A folder that a task works in, or a copy of it where its worker is."""

    def run(self, work: Callable[[Path], None]) -> bytes:
        """Work there; return what has to go back to the folder."""

    def receive(self, left: bytes) -> None:
        """Put into the folder what `run` returned."""


class Place(Protocol):
    """Where workers are: a module of this package."""

    def cores(self) -> int:
        """Return how many tasks of one thread can run at once."""

    def alone(self) -> bool:
        """Return whether this process should do the work itself."""

    def workers(self) -> AbstractContextManager[Executor]:
        """Return workers of one thread each; what still runs in the end is cancelled."""

    def at_once(self, tasks: int, threads: int, gpu: bool) -> int:
        """Return how many of the tasks of `shares` run at once."""

    def shares(self, tasks: int, threads: int, gpu: bool) -> AbstractContextManager[Executor]:
        """Return workers for so many tasks that fan out themselves, each with a share."""

    def shared(self, value: Value) -> AbstractContextManager[Shared[Value]]:
        """Put a value where workers can read it, while this lasts."""

    def workplace(self, folder: Path, takes: Sequence[str], leaves: Sequence[str]) -> Workplace:
        """Return what `workplace` does."""


def fan_out(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    title: str,
    unit: str,
    finished: Path | None = None,
) -> list[Result]:
    """Return `function` of each task, in order, computed on all cores.

    Every worker computes with one thread, so results do not depend on the number of cores. With one
    core, which may be the whole share of a task of `side_by_side`, this process does the work.

    Args:
        function: what to compute; can be pickled.
        tasks: what to compute it of, each small: see `shared`.
        title: of the progress bar.
        unit: what the progress bar counts.
        finished: a folder where results are kept as JSON, one file a task, named by its `repr`, so
            that a killed run goes on where it was; or at the address in `FINISHED`, by the name of
            the folder. None keeps nothing.

    Raises:
        UserError: a process was killed, or the address cannot be reached.
    """
    place, results = _place(), dict[int, Result]()
    names = [f"{digest(repr(task))}.json" for task in tasks]
    store = kept.store(finished) if finished else None
    if store:
        found = ((number, store.read(name)) for number, name in enumerate(names))
        results = {number: json.loads(text) for number, text in found if text is not None}
    missing = {i: task for i, task in enumerate(tasks) if i not in results}
    cores = min(place.cores(), max(len(missing), 1))
    with _killed(title), progress(title, len(tasks), unit, len(results), cores) as advance:
        for i, result in _computed(place, function, missing):
            results[i] = _kept(store, names[i], result) if store else result
            advance(len(results))
    return [results[i] for i in range(len(tasks))]


def _computed(
    place: Place, function: Callable[[Task], Result], tasks: dict[int, Task]
) -> Iterator[tuple[int, Result]]:
    """Yield the result of each task with its number, as they come."""
    if place.alone():
        for number, task in tasks.items():
            with local.one_thread():
                result = function(task)
            yield number, result
    elif tasks:
        with place.workers() as pool:
            numbers = {pool.submit(function, task): number for number, task in tasks.items()}
            for future in as_completed(numbers):
                yield numbers[future], future.result()


def side_by_side(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    title: str,
    unit: str,
    threads: int = 1,
    gpu: bool = False,
    note: Callable[[], str] = lambda: "",
    arrived: Callable[[Task, Result], None] = lambda _, __: None,
) -> list[Result]:
    """Return `function` of each task, in order, each by a process that has a share of the cores.

    For tasks that are long and that fan out themselves: what is started inside one stays within its
    share. Every task computes with `threads` threads, so results do not depend on how many run at
    once. The first error, or an interrupt, ends all; if this process is killed, so are they.

    Args:
        function: what to compute; can be pickled.
        tasks: what to compute it of.
        title: of the progress bar.
        unit: what the progress bar counts.
        threads: of each task; as many run at once as the cores have room for.
        gpu: whether each computes on a GPU where there is one: then one runs at a time, or in a
            cluster one a GPU.
        note: what to tell beside the progress bar while they run.
        arrived: what to do here with each as soon as it is done.

    Raises:
        UserError: a process was killed.
    """
    place = _place()
    at_once = place.at_once(len(tasks), threads, gpu)
    with _killed(title), place.shares(len(tasks), threads, gpu) as pool:
        futures = {pool.submit(function, task): task for task in tasks}
        with progress(title, len(tasks), unit, at_once=at_once) as advance:
            running = set(futures)
            while running:
                done, running = wait(running, LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    arrived(futures[future], future.result())
                advance(len(futures) - len(running), note())
        return [future.result() for future in futures]


def stream(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    processes: bool,
    held: Callable[[Task], int] = lambda _: 0,
) -> Iterator[Result]:
    """Yield `function` of each task, in order, computed on all cores.

    Tasks are taken as results are, a few ahead, so memory does not grow with their number; of tasks
    that hold much, fewer are, whatever the number of cores.

    Args:
        function: what to compute.
        tasks: what to compute it of.
        processes: whether by processes of one thread each, to which function and tasks must pickle;
            they take a second to start. Threads start at once, on this machine, and share the work
            as far as it releases Python's lock.
        held: how many bytes a task holds in memory.

    Raises:
        UserError: a process was killed.
    """
    place = _place() if processes else local
    most = 2 * place.cores()
    ahead: deque[tuple[Future[Result], int]] = deque()
    in_flight = 0
    with (
        _killed("work"),
        place.workers() if processes else ThreadPoolExecutor(local.cores()) as pool,
    ):
        try:
            for task in tasks:
                ahead.append((pool.submit(function, task), held(task)))
                in_flight += ahead[-1][1]
                while ahead and (len(ahead) > most or in_flight > IN_FLIGHT_BYTES):
                    future, size = ahead.popleft()
                    in_flight -= size
                    yield future.result()
            while ahead:
                yield ahead.popleft()[0].result()
        finally:
            for future, _ in ahead:
                future.cancel()


def shared(value: Value) -> AbstractContextManager[Shared[Value]]:
    """Put a value that pickles where workers can read it, while this lasts."""
    return _place().shared(value)


def workplace(folder: Path, takes: Sequence[str], leaves: Sequence[str]) -> Workplace:
    """Return a folder as a task of `side_by_side` can work in it; it may be sent as a part of one.

    On this machine the task works in the folder. On a cluster, whose machines need no common disk,
    it works in a temporary folder of its machine, which starts with a part of this one.

    Args:
        folder: of this task alone.
        takes: patterns of the names in the folder that the task needs.
        leaves: patterns of the names that it makes there and that are wanted.
    """
    return _place().workplace(folder, takes, leaves)


def _place() -> Place:
    """Return where workers are.

    Raises:
        UserError: `ENGINE` is none of its values, or names a cluster that cannot be joined.
    """
    chosen = os.environ.get(ENGINE) or "local"
    if chosen == "local":
        return local
    if chosen != "ray" and not chosen.startswith("ray://"):
        raise UserError(f"{ENGINE} = {chosen!r}: allowed: local, ray, ray://HOST:PORT")
    from gan_augment.engine import cluster

    cluster.connect(None if chosen == "ray" else chosen, ENGINE)
    return cluster


@contextmanager
def _killed(title: str) -> Iterator[None]:
    """Say in one sentence that a process was killed."""
    try:
        yield
    except BrokenExecutor as error:
        raise UserError(
            f"{title}: a process was killed, perhaps for lack of memory; what was finished is kept"
        ) from error


def _kept(store: kept.Store, name: str, result: Result) -> Result:
    """Keep a result, and return it as it will be read."""
    text = as_json(result)
    store.write(name, text.encode())
    read: Result = json.loads(text)
    return read
