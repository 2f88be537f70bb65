import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gan_augment.engine import Shared, fan_out, shared, stream


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def test_results_come_in_order_from_other_processes() -> None:
    results = fan_out(square, list(range(20)), "test", "numbers")
    assert [value for value, _ in results] == [n**2 for n in range(20)]
    assert os.getpid() not in {process for _, process in results}


def third(value: Shared[np.ndarray], number: int) -> tuple[float, bool]:
    array = value.get()
    return float(array[number]), array.flags.writeable


def test_a_large_value_reaches_the_workers_as_a_file() -> None:
    with shared(np.arange(1e6)) as value:
        assert fan_out(partial(third, value), [3, 5], "test", "numbers") == [(3, False), (5, False)]
        assert value.file.exists()
    assert not value.file.parent.exists()


def test_finished_tasks_are_kept_and_not_computed_again(tmp_path: Path) -> None:
    first = fan_out(square, [1, 2], "test", "numbers", finished=tmp_path)
    again = fan_out(square, [1, 2, 3], "test", "numbers", finished=tmp_path)
    assert again[:2] == [list(result) for result in first]
    assert [value for value, _ in again] == [1, 4, 9]


def test_a_stream_comes_in_order_from_threads() -> None:
    def work(number: int) -> tuple[int, int]:
        time.sleep(0.001 * (number % 3))
        return number**2, threading.get_ident()

    results = list(stream(work, range(50), processes=False))
    assert [value for value, _ in results] == [n**2 for n in range(50)]
    assert threading.get_ident() not in {thread for _, thread in results}


def test_a_stream_comes_in_order_from_processes() -> None:
    results = list(stream(square, range(50), processes=True))
    assert [value for value, _ in results] == [n**2 for n in range(50)]
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.parametrize("processes", [False, True])
def test_a_stream_takes_tasks_as_results_are_taken(processes: bool) -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    results = stream(abs, tasks(), processes=processes)
    for _ in range(10):
        next(results)
    assert len(taken) <= 12 + 2 * len(os.sched_getaffinity(0))


def test_a_stream_stops_at_the_first_error() -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        list(stream(work, range(1000), processes=False))
