import os
import re
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loky import cpu_count

from gan_augment import engine
from gan_augment import progress as engine_progress
from gan_augment.engine import SHARE, fan_out, local, shared, side_by_side, stream
from gan_augment.engine.resumed import resumed
from gan_augment.errors import UserError
from gan_augment.progress import Advance
from tests.conftest import ROOT
from tests.processes import ended
from tests.tasks import blas, die, grow, linger, refuse, square, third, within

pytestmark = pytest.mark.usefixtures("all_cores")


def test_results_come_in_order_from_other_processes() -> None:
    results = fan_out(square, list(range(20)), "test", "numbers")
    assert [value for value, _ in results] == [n**2 for n in range(20)]
    assert (os.getpid() in {process for _, process in results}) == (cpu_count() == 1)


@pytest.mark.skipif(cpu_count() == 1, reason="no workers beside this process")
def test_a_worker_that_has_grown_is_replaced_without_a_word() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = fan_out(grow, list(range(3 * cpu_count())), "test", "numbers")
    assert len(set(found)) > cpu_count()
    assert not said


def test_a_large_value_reaches_the_workers_as_a_file() -> None:
    with shared(np.arange(1e6)) as value:
        assert fan_out(partial(third, value), [3, 5], "test", "numbers") == [(3, False), (5, False)]
        assert value.folder.exists()
    assert not value.folder.parent.exists()


def test_whatever_is_shared_comes_back(tmp_path: Path) -> None:
    mapped = np.lib.format.open_memmap(tmp_path / "mapped.npy", "w+", np.float32, (1000, 7))
    mapped[:] = np.arange(7000).reshape(1000, 7)
    add = 3
    value = {
        "arrays": [np.arange(6).reshape(2, 3).T, np.zeros((0, 4)), np.array(["ä", "b"])],
        "frame": pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        "mapped": np.load(tmp_path / "mapped.npy", mmap_mode="c"),
        "part": mapped[10:20],
        "function": lambda number: number + add,
    }
    with shared(value) as there:
        found = there.get()
        for wanted, array in zip(value["arrays"], found["arrays"], strict=True):
            np.testing.assert_array_equal(array, wanted)
            assert not array.flags.writeable
        assert found["frame"].equals(value["frame"])
        assert found["function"](4) == 7
        for name in ("mapped", "part"):
            np.testing.assert_array_equal(found[name], value[name])
        assert found["mapped"].filename == str(tmp_path / "mapped.npy")
        assert sum(file.stat().st_size for file in there.folder.iterdir()) < mapped.nbytes
    with shared("no array") as text:
        assert text.get() == "no array"


def test_finished_tasks_are_kept_and_not_computed_again(tmp_path: Path) -> None:
    first = fan_out(square, [1, 2], "test", "numbers", finished=tmp_path)
    again = fan_out(square, [1, 2, 3], "test", "numbers", finished=tmp_path)
    assert again[:2] == [list(result) for result in first]
    assert [value for value, _ in again] == [1, 4, 9]


def test_finished_tasks_say_nothing_of_the_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []

    @contextmanager
    def progress(*arguments: object) -> Iterator[Advance]:
        told.append(arguments)
        yield lambda done, note="": told.append((done, note))

    monkeypatch.setattr(engine, "progress", progress)
    fan_out(square, [1, 3], "test", "numbers", finished=tmp_path)
    found = fan_out(square, [1, 2, 3], "test", "numbers", finished=tmp_path)
    assert [value for value, _ in found] == [1, 4, 9]
    cores = min(cpu_count(), 2)
    assert told == [
        ("test", 2, "numbers", 0, cores),
        (1, ""),
        (2, ""),
        ("test", 3, "numbers", 2, 1),
        (3, ""),
    ]


def test_long_tasks_are_looked_at_while_they_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "LOOK_S", 0.1)
    monkeypatch.setattr(local, "_has_gpu", lambda: True)
    for name, value in (("FIRST_S", 0), ("LOG_EVERY_S", 0)):
        monkeypatch.setattr(engine_progress, name, value)
    assert side_by_side(linger, [1, 2], "test", "numbers", gpu=True, note=lambda: "so far") == [
        1,
        2,
    ]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "test: 0/2 numbers  so far"
    assert re.fullmatch(r"test: 2/2 numbers in \d+ s at .* numbers/.*  so far", lines[-1])


def test_what_a_task_starts_stays_within_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_has_gpu", lambda: True)
    cores = cpu_count()
    meet = partial(within, cores, tmp_path)
    found = side_by_side(meet, list(range(2 * cores)), "test", "numbers")
    assert len({process for process, _, _ in found}) == cores
    for process, share, inner in found:
        assert share == "1"
        assert set(inner) == {process}
    for process, share, inner in side_by_side(meet, [1, 2], "test", "numbers", gpu=True):
        assert share == str(cores)
        assert (process in inner) == (cores == 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_depend_on_how_many_run_at_once(threads: int) -> None:
    if threads > cpu_count():
        pytest.skip(f"no library starts {threads} threads on {cpu_count()} core")
    for found in side_by_side(blas, [1, 2], "test", "numbers", threads):
        assert found == {threads}


ALONE = """
import os
import torch
from gan_augment.engine import fan_out
from tests.tasks import blas
torch.set_num_threads(3)
assert fan_out(blas, [1, 2], "test", "numbers") == [{1}, {1}]
assert torch.get_num_threads() == 3
assert os.environ["OMP_NUM_THREADS"] == "2"
"""


def test_without_workers_a_task_has_one_thread_too_in_what_it_loads() -> None:
    environment = {**os.environ, SHARE: "1", "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", ALONE], env=environment, cwd=ROOT, check=True)


def test_an_error_ends_all() -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match="one"):
        side_by_side(refuse, [1, 2, 3], "test", "numbers")
    assert time.monotonic() - began < 30


def test_a_killed_process_is_one_message() -> None:
    with pytest.raises(UserError, match="test: a process was killed, perhaps for lack of memory"):
        side_by_side(die, [1], "test", "numbers")


PARENT = """
import os, time
from pathlib import Path
from gan_augment import engine
def work(number):
    Path(os.environ["PIDS"], str(os.getpid())).touch()
    time.sleep(60)
getattr(engine, os.environ["HOW"])(work, [1, 2, 3, 4], "test", "numbers")
"""


@pytest.mark.parametrize("how", ["fan_out", "side_by_side"])
def test_processes_end_with_the_one_that_started_them(how: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PIDS": str(tmp_path), "HOW": how}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environment)
    deadline = time.monotonic() + 60
    while not (pids := [int(file.name) for file in tmp_path.iterdir()]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    assert ended(pids, seconds=10)


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
    assert len(taken) <= 12 + 2 * cpu_count()


def test_a_stream_takes_few_tasks_that_hold_much() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    half = engine.IN_FLIGHT_BYTES // 2
    for number, _ in enumerate(stream(square, tasks(), processes=False, held=lambda _: half)):
        assert len(taken) <= number + 3


def test_a_stream_that_was_broken_off_goes_on_after_what_it_has_kept(tmp_path: Path) -> None:
    tasks = {tmp_path / f"{number}.txt": number for number in range(20)}

    def write(file: Path, found: tuple[int, int]) -> None:
        file.write_text(" ".join(map(str, found)))

    def read(file: Path) -> tuple[int, int]:
        value, process = file.read_text().split()
        return int(value), int(process)

    begun = resumed(square, tasks, read, write)
    first = [next(begun) for _ in range(3)]
    begun.close()
    assert sorted(tmp_path.iterdir()) == sorted(list(tasks)[:3])
    marked = tmp_path / "1.txt"
    marked.write_text("1 -1")  # as if a process of that number had made it
    results = list(resumed(square, tasks, read, write))
    assert [value for value, _ in results] == [number**2 for number in range(20)]
    assert results[:3] == [first[0], (1, -1), first[2]]
    assert sorted(tmp_path.iterdir()) == sorted(tasks)


def test_a_stream_stops_at_the_first_error() -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        list(stream(work, range(1000), processes=False))
