"""Where work fans out over the cores: to processes (joblib on loky), or to threads as a stream."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

from joblib import Parallel, delayed, parallel_config

from pipeline.progress import progress
from pipeline.storage import digest, read_json, write_json

Task = TypeVar("Task")
Result = TypeVar("Result")


def fan_out(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    title: str,
    unit: str,
    finished: Path | None = None,
) -> list[Result]:
    """Return `function` of each task, in order, computed on all cores.

    Every worker computes with one thread, so results do not depend on the number of cores.

    Args:
        function: what to compute; can be pickled.
        tasks: what to compute it of.
        title: of the progress bar.
        unit: what the progress bar counts.
        finished: a folder where results are kept as JSON, one file a task, named by its `repr`, so
            that a killed run goes on where it was. None keeps nothing.
    """
    if finished:
        function = _Kept(function, finished)
    cores = min(len(os.sched_getaffinity(0)), max(len(tasks), 1))
    results: list[Result] = []
    with (
        progress(title, len(tasks), unit) as advance,
        parallel_config(backend="loky", n_jobs=cores, inner_max_num_threads=1),
    ):
        for result in Parallel(return_as="generator")(delayed(function)(task) for task in tasks):
            results.append(result)
            advance(len(results))
    return results


class _Kept(Generic[Task, Result]):
    """A function whose results are read from a folder if they are there, else computed and kept."""

    def __init__(self, function: Callable[[Task], Result], folder: Path) -> None:
        self.function, self.folder = function, folder

    def __call__(self, task: Task) -> Result:
        file = self.folder / f"{digest(repr(task))}.json"
        if not file.exists():
            write_json(file, self.function(task))
        result: Result = read_json(file)
        return result


def stream(function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Yield `function` of each task, in order, computed by a thread a core.

    For work that releases Python's lock, such as decoding images: threads start at once and need no
    copies. Tasks are taken as results are, a few ahead, so memory does not grow with their number.
    """
    cores = len(os.sched_getaffinity(0))
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(function, task))
                if len(ahead) > cores + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
