"""Where work fans out over the cores: to processes (joblib on loky), or to threads as a stream."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

from pipeline.progress import progress

Task = TypeVar("Task")
Result = TypeVar("Result")


def fan_out(
    function: Callable[[Task], Result], tasks: Sequence[Task], title: str, unit: str
) -> list[Result]:
    """Return `function` of each task, in order, computed on all cores.

    Every worker computes with one thread, so results do not depend on the number of cores.
    """
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
