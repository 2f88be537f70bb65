"""Where work fans out: one process a core, by joblib on loky."""

import os
from collections.abc import Callable, Sequence
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
