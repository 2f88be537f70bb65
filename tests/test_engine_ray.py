"""The engine on a cluster of two machines: the same results, whatever is lost on the way."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gan_augment.embed import stage as embed
from gan_augment.engine import (
    ENGINE,
    cluster,
    fan_out,
    shared,
    side_by_side,
    stream,
    workplace,
)
from gan_augment.errors import UserError
from gan_augment.ingest import chunks
from gan_augment.params import Params
from gan_augment.study import study
from gan_augment.study.replicate import Replicate
from gan_augment.synthesis import sets
from tests.conftest import QUICK_BACKBONE
from tests.ray_cluster import SETTINGS, Cluster, started
from tests.study.conftest import project, quick
from tests.tasks import (
    add_up,
    at_home,
    die,
    half_way_once,
    here,
    killed_once,
    processes,
    refuse,
    slowly,
    square,
    third,
    within,
)

__all__ = ["project", "quick"]

pytestmark = pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed")
on_the_cluster = pytest.mark.usefixtures("machines")


@pytest.fixture(scope="module")
def machines() -> Iterator[Cluster]:
    """Return a cluster that the engine uses."""
    with pytest.MonkeyPatch.context() as patch, started() as found:
        for name, value in {**SETTINGS, ENGINE: "ray", "RAY_ADDRESS": found.address}.items():
            patch.setenv(name, value)
        try:
            yield found
        finally:
            import ray

            ray.shutdown()


def test_a_lost_machine_loses_nothing(machines: Cluster, tmp_path: Path) -> None:
    results = stream(partial(slowly, tmp_path), range(8), processes=True)
    found = [next(results)]
    assert len(processes(tmp_path)) == 2
    assert len(list(tmp_path.iterdir())) < 8
    machines.lose()
    found += results
    machines.add()
    assert [set(array) for array in found] == [{n} for n in range(8)]


@on_the_cluster
def test_results_come_in_order_from_other_processes() -> None:
    found = fan_out(square, list(range(20)), "test", "numbers")
    assert [value for value, _ in found] == [n**2 for n in range(20)]
    assert os.getpid() not in {process for _, process in found}
    found = list(stream(square, range(20), processes=True))
    assert [value for value, _ in found] == [n**2 for n in range(20)]
    assert os.getpid() not in {process for _, process in found}


@on_the_cluster
def test_a_stream_takes_tasks_as_results_are_taken() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    results = stream(abs, tasks(), processes=True)
    assert [next(results) for _ in range(5)] == list(range(5))
    assert len(taken) <= 7 + 2 * cluster.cores()


@on_the_cluster
def test_a_large_value_reaches_the_workers_once() -> None:
    with shared(np.arange(1e6)) as value:
        assert fan_out(partial(third, value), [3, 5], "test", "numbers") == [(3, False), (5, False)]
        assert list(stream(partial(third, value), [7], processes=True)) == [(7, False)]


@on_the_cluster
def test_what_a_worker_starts_stays_on_its_machine_and_thread() -> None:
    assert fan_out(at_home, [1], "test", "numbers") == [("local", "1", {1}, True)]


@pytest.fixture
def no_common_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that no other machine has: workers are told a name that there is not."""
    submit = cluster._Tasks.submit

    def submitted(self: cluster._Tasks, *arguments: object) -> object:
        self._folder = tmp_path / "of this machine"
        return submit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster._Tasks, "submit", submitted)


@on_the_cluster
def test_paths_count_from_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fan_out(here, [1, 2], "test", "numbers") == [tmp_path] * 2


@on_the_cluster
@pytest.mark.usefixtures("no_common_disk")
def test_without_a_common_disk_they_count_from_nowhere() -> None:
    assert fan_out(here, [1, 2], "test", "numbers") == [Path("/")] * 2


@on_the_cluster
def test_a_task_works_in_a_copy_of_its_folder(tmp_path: Path) -> None:
    for name, number in (("given/1.txt", 1), ("given/2.txt", 2), ("rest/3.txt", 4), ("sum/x", 0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(str(number))
    place = workplace(tmp_path, ["given"], ["sum", "*.done"])
    [left] = side_by_side(add_up, [place], "test", "numbers")
    assert [file.name for file in (tmp_path / "sum").iterdir()] == ["x"]
    place.receive(left)
    assert [file.name for file in (tmp_path / "sum").iterdir()] == ["number"]
    assert (tmp_path / "sum" / "number").read_text() == "3"
    assert {file.name for file in tmp_path.iterdir()} == {"all.done", "given", "rest", "sum"}


@on_the_cluster
def test_long_tasks_run_on_both_machines(tmp_path: Path) -> None:
    found = side_by_side(partial(within, 2, tmp_path), [1, 2], "test", "numbers")
    assert len({process for process, _, _ in found}) == 2
    assert {share for _, share, _ in found} == {"1"}


@on_the_cluster
def test_a_lost_cluster_is_no_task_that_never_ends() -> None:
    found, future = Future[int](), Future[int]()
    found.set_exception(ConnectionError("the data client has disconnected"))
    cluster._Tasks()._settle(None, future, found)
    with pytest.raises(BrokenExecutor, match="disconnected"):
        future.result(0)


def test_shares_fit_into_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    has = [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 8.0}, {"CPU": 3.0}, {"memory": 1.0}]
    monkeypatch.setattr(cluster, "_machines", lambda: has)
    assert cluster.cores() == 19
    assert [cluster._share(tasks, 1) for tasks in (1, 2, 3, 4, 5, 19, 100)] == [8, 8, 4, 4, 3, 1, 1]
    assert [cluster.at_once(tasks, 1, False) for tasks in (1, 5, 19, 100)] == [1, 5, 19, 19]
    assert cluster.at_once(100, 2, False) == 9
    assert cluster.at_once(100, 1, True) == 1


@on_the_cluster
def test_an_error_ends_all_and_comes_as_it_is() -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match="^one$"):
        side_by_side(refuse, [1, 2, 3], "test", "numbers")
    assert time.monotonic() - began < 30


@on_the_cluster
def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    found = fan_out(partial(killed_once, tmp_path), [1, 2], "test", "numbers", tmp_path / "kept")
    assert found == [1, 4]
    assert len(list((tmp_path / "kept").iterdir())) == 2


@on_the_cluster
def test_a_task_whose_worker_is_killed_begins_anew_in_another_copy(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "given").touch()
    place = workplace(folder, ["given"], ["made"])
    [left] = side_by_side(partial(half_way_once, tmp_path / "mark"), [place], "test", "numbers")
    place.receive(left)
    assert (folder / "made").read_text() == "whole"


@on_the_cluster
def test_a_task_that_always_kills_its_worker_is_one_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "RETRIES", 0)
    with pytest.raises(UserError, match="test: a process was killed, perhaps for lack of memory"):
        fan_out(die, [1], "test", "numbers")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a finished replicate, but what says when it ran."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "scratch" not in file.relative_to(folder).parts
    }


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by each task that goes to the cluster."""
    sent: list[object] = []
    submit = cluster._Tasks.submit

    def submitted(self: object, *arguments: object) -> object:
        sent.append(arguments)
        return submit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster._Tasks, "submit", submitted)
    return sent


@on_the_cluster
@pytest.mark.e2e
@pytest.mark.usefixtures("no_common_disk")
def test_a_study_gives_the_same_bytes_without_a_common_disk(
    quick: Params, counted: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "LEAST", 2)
    found = {}
    for engine in ("ray", "local"):
        monkeypatch.setenv(ENGINE, engine)
        folder = Path(engine)
        study.run(quick, 2, {"study": folder / "study", "scratch": folder / "scratch"})
        found[engine] = contents(folder / "study")
        assert len(counted) == 2
    assert len(found["local"]) == 4
    assert found["ray"] == found["local"]


@on_the_cluster
@pytest.mark.e2e
def test_stages_give_the_same_bytes(
    tmp_path: Path, quick: Params, counted: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MANY", 0)
    monkeypatch.setattr(sets, "MANY", 0)
    ingest = quick.ingest.model_copy(update={"limit": 400})
    evaluate = quick.evaluate.model_copy(update={"repeats": 2})
    params = quick.model_copy(update={"ingest": ingest, "evaluate": evaluate})
    Replicate(params, tmp_path / "ray").run()
    # Chunks of 64 digits, a second set of draws, and an arm in a repeat each.
    assert len(counted) == 29 + 1 + 6
    monkeypatch.setenv(ENGINE, "local")
    Replicate(params, tmp_path / "local").run()
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


@on_the_cluster
def test_embedding_gives_the_same_bytes(
    tmp_path: Path, digits: Path, features: Path, counted: list[object]
) -> None:
    outputs = {"features": tmp_path / "features", "scratch": tmp_path / "scratch"}
    embed.run(QUICK_BACKBONE, {"real": digits}, outputs)
    assert counted
    assert contents(tmp_path / "features") == contents(features)


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE, "ray")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'gan-augment\[ray\]'"):
        fan_out(abs, [1], "test", "numbers")


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("dask", r"GAN_AUGMENT_ENGINE = 'dask': allowed: local, ray, ray://HOST:PORT"),
        ("ray://127.0.0.1:1", r"no cluster can be joined at ray://127.0.0.1:1 \(.*refused\)"),
        ("ray", r"no cluster can be joined at 127.0.0.1:2 \(.*refused\)"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    engine: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE, engine)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:2")
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(UserError, match=told):
        fan_out(abs, [1], "test", "numbers")
