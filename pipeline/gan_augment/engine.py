"""Where work fans out over the cores: as a list of tasks or as a stream."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import joblib
from joblib import Parallel, delayed, parallel_config
from loky import ProcessPoolExecutor, cpu_count, get_reusable_executor
from loky.process_executor import TerminatedWorkerError

from gan_augment.errors import UserError
from gan_augment.progress import progress
from gan_augment.storage import digest, read_json, write_json
from gan_augment.temporary import temporary_folder

Task = TypeVar("Task")
Result = TypeVar("Result")
Value = TypeVar("Value")
SHARE = "LOKY_MAX_CPU_COUNT"
"""Environment variable: how many cores a process and what it starts may use at most."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables: with how many threads numerical libraries compute."""
POLL_S = 0.5
LOOK_S = 2.0
"""Seconds between two looks at how far long tasks are."""


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
            that a killed run goes on where it was. None keeps nothing.
    """
    results: dict[int, Result] = {}
    if finished:
        function = kept = _Kept(function, finished)
        results = {i: kept.read(task) for i, task in enumerate(tasks) if kept.has(task)}
    missing = [i for i in range(len(tasks)) if i not in results]
    cores = min(cpu_count(), max(len(missing), 1))
    with (
        progress(title, len(tasks), unit, len(results), cores) as advance,
        parallel_config(backend="loky", n_jobs=cores, inner_max_num_threads=1, max_nbytes=None),
    ):
        computed = Parallel(return_as="generator")(delayed(function)(tasks[i]) for i in missing)
        for i, result in zip(missing, computed, strict=True):
            results[i] = result
            advance(len(results))
    return [results[i] for i in range(len(tasks))]


def side_by_side(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    title: str,
    unit: str,
    threads: int = 1,
    most: int | None = None,
    note: Callable[[], str] = lambda: "",
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
        most: tasks at once, however many cores there are.
        note: what to tell beside the progress bar while they run.

    Raises:
        UserError: a process was killed.
    """
    cores = cpu_count()
    workers = max(min(cores // threads, len(tasks), most or len(tasks)), 1)
    limits = {**dict.fromkeys(THREADS, str(threads)), SHARE: str(cores // workers)}
    pool = ProcessPoolExecutor(workers, env=limits, initializer=_end_with, initargs=(os.getpid(),))
    try:
        futures = [pool.submit(function, task) for task in tasks]
        with progress(title, len(tasks), unit, at_once=workers) as advance:
            running = set(futures)
            while running:
                done, running = wait(running, LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                advance(len(futures) - len(running), note())
        return [future.result() for future in futures]
    except TerminatedWorkerError as error:
        raise UserError(
            f"{title}: a process was killed, perhaps for lack of memory; what was finished is kept"
        ) from error
    finally:
        pool.shutdown(kill_workers=True)


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, in the middle of whatever it does."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass(frozen=True)
class Shared(Generic[Value]):
    """A value in a file, which every worker reads once instead of getting it with every task."""

    file: Path

    def get(self) -> Value:
        """Return the value; its arrays cannot be written to."""
        value: Value = _load(self.file)
        return value


@contextmanager
def shared(value: Value) -> Iterator[Shared[Value]]:
    """Put a value that pickles where workers can read it, while this lasts.

    joblib would share the arrays of tasks by itself, but its bookkeeping of files prints tracebacks
    where workers hold on to them between tasks, as caches do.
    """
    with temporary_folder() as folder:
        file = folder / "shared"
        joblib.dump(value, file)
        yield Shared(file)


@lru_cache(maxsize=1)
def _load(file: Path) -> Any:
    return joblib.load(file, mmap_mode="r")


class _Kept(Generic[Task, Result]):
    """A function whose results are kept in a folder."""

    def __init__(self, function: Callable[[Task], Result], folder: Path) -> None:
        self.function, self.folder = function, folder

    def __call__(self, task: Task) -> Result:
        write_json(self._file(task), self.function(task))
        return self.read(task)

    def has(self, task: Task) -> bool:
        return self._file(task).exists()

    def read(self, task: Task) -> Result:
        result: Result = read_json(self._file(task))
        return result

    def _file(self, task: Task) -> Path:
        return self.folder / f"{digest(repr(task))}.json"


def stream(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, processes: bool
) -> Iterator[Result]:
    """Yield `function` of each task, in order, computed on all cores.

    Tasks are taken as results are, a few ahead, so memory does not grow with their number.

    Args:
        function: what to compute.
        tasks: what to compute it of.
        processes: whether by processes, to which function and tasks must pickle; they take a second
            to start. Threads start at once, and share the work as far as it releases Python's lock.
    """
    most = 2 * cpu_count()
    ahead: deque[Future[Result]] = deque()
    with _pool(processes) as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(function, task))
                if len(ahead) > most:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


@contextmanager
def _pool(processes: bool) -> Iterator[Executor]:
    cores = cpu_count()
    if processes:
        yield get_reusable_executor(max_workers=cores)  # they end when they have been idle a while
    else:
        with ThreadPoolExecutor(cores) as pool:
            yield pool
