"""A Ray cluster: tasks go where CPUs are free, values through its object store.

Tasks whose worker or machine is lost are run again, by Ray Core; joblib's backend for Ray would
lose the whole call. Workers use this machine's code of gan_augment, and their own other packages.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from gan_augment.engine.local import SHARE, THREADS
from gan_augment.engine.packed import pack, unpack
from gan_augment.errors import UserError, reason
from gan_augment.temporary import temporary_folder

Value = TypeVar("Value")
RETRIES = 3
"""How often a task is run again whose worker was killed or whose machine was lost."""
NO_PROJECT = Path("/")
"""Where paths count from on a machine that does not have the folder of the project."""
REACH_S = 10.0
"""Seconds that a cluster has to answer; Ray itself would try for minutes."""


def connect(address: str | None, variable: str) -> None:
    """Join a cluster, if this process has not joined one.

    Args:
        address: `ray://HOST:PORT`, of one elsewhere; None is the one that this machine is part of,
            or that RAY_ADDRESS names.
        variable: the environment variable that asks for it, for messages.

    Raises:
        UserError: Ray is not installed, no cluster is there, or it has other versions.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UserError(
            f"{variable} asks for Ray, which is not installed: pip install 'gan-augment[ray]'"
        ) from None
    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    code = {"py_modules": [str(Path(__file__).parents[1])], "excludes": ["__pycache__"]}
    try:
        _reach(address)
        ray.init(address, runtime_env=code, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        where = "on this machine" if address == "auto" else f"at {address}"
        raise UserError(
            f"{variable} asks for Ray, and no cluster can be joined {where} "
            f"({reason(error)}): start one with `ray start --head`, or unset "
            "the variable"
        ) from None


def _reach(address: str) -> None:
    """Refuse an address where nobody listens.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()


def cores() -> int:
    """Return how many tasks of one thread can run at once."""
    return max(sum(_cpus()), 1)


def alone() -> bool:
    """Return whether this process should do the work itself: no, it may be on a small machine."""
    return False


@contextmanager
def workers() -> Iterator[Executor]:
    """Yield workers of one thread and one CPU each."""
    with _Tasks() as pool:
        yield pool


def at_once(tasks: int, threads: int, gpu: bool) -> int:
    """Return how many tasks that fan out themselves run at once."""
    share = _share(tasks, threads)
    room = sum(cpus // share for cpus in _cpus())
    if gpu and _gpus():
        room = min(room, _gpus())
    return max(min(room, tasks), 1)


@contextmanager
def shares(tasks: int, threads: int, gpu: bool) -> Iterator[Executor]:
    """Yield workers with a share of a machine's CPUs each, and a GPU if the cluster has any."""
    with _Tasks(threads, _share(tasks, threads), int(gpu and _gpus() > 0)) as pool:
        yield pool


def _share(tasks: int, threads: int) -> int:
    """Return the most CPUs that so many tasks can have at once, but as many as they have threads.

    Where there is no room for all at once, they have no more than their threads.
    """
    cpus = _cpus()
    possible = range(max(cpus, default=1), threads, -1)
    return next((s for s in possible if sum(n // s for n in cpus) >= tasks), threads)


def _cpus() -> list[int]:
    return [int(resources.get("CPU", 0)) for resources in _machines()]


def _gpus() -> int:
    return int(sum(resources.get("GPU", 0) for resources in _machines()))


def _machines() -> list[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


class _Tasks(Executor):
    """Tasks of Ray as futures."""

    def __init__(self, threads: int = 1, cpus: int = 1, gpus: int = 0) -> None:
        """Take what each task has."""
        import ray

        # What a task fans out stays on its machine, within its share.
        settings = {"GAN_AUGMENT_ENGINE": "local", SHARE: str(cpus)}
        settings |= dict.fromkeys(THREADS, str(threads))
        self._call = ray.remote(_call).options(
            num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES, runtime_env={"env_vars": settings}
        )
        self._running: set[Any] = set()
        self._folder = Path.cwd()

    def submit(
        self, function: Callable[..., Value], /, *arguments: Any, **named: Any
    ) -> Future[Value]:
        """Return what will be the result of a function; see `Executor`."""
        future: Future[Value] = Future()
        reference = self._call.remote(self._folder, function, *arguments, **named)
        self._running.add(reference)
        reference.future().add_done_callback(partial(self._settle, reference, future))
        return future

    def _settle(self, reference: Any, future: Future[Any], found: Future[Any]) -> None:
        from ray.exceptions import RayError, RayTaskError

        self._running.discard(reference)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(found.result())
        except RayTaskError as error:
            error.cause.__cause__ = RuntimeError(str(error))  # where it was raised
            future.set_exception(error.cause)
        except (RayError, ConnectionError) as error:  # a worker is lost, or the cluster
            future.set_exception(BrokenExecutor(str(error)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """End what still runs."""
        import ray

        for reference in tuple(self._running):
            ray.cancel(reference, force=True)


def _call(folder: Path, function: Callable[..., Value], *arguments: Any, **named: Any) -> Value:
    """Return what a function returns in a folder, from which paths count, where the machine has it.

    A machine without it has no file of the project, but for what tasks bring along.
    """
    os.chdir(folder if folder.is_dir() else NO_PROJECT)
    return function(*arguments, **named)


@dataclass(frozen=True)
class Put(Generic[Value]):
    """A value in the object store."""

    reference: Any

    def get(self) -> Value:
        """Return the value, read once in a process; its arrays cannot be written to."""
        value: Value = _value(self.reference)
        return value


@contextmanager
def shared(value: Value) -> Iterator[Put[Value]]:
    """Put a value into the object store, where it is while anything refers to it."""
    import ray

    yield Put(ray.put(value))


@dataclass(frozen=True)
class Carried:
    """A folder of this machine, packed in the object store, of which a worker unpacks a copy."""

    folder: Path
    reference: Any
    leaves: Sequence[str]

    def run(self, work: Callable[[Path], None]) -> bytes:
        """Work in the copy; return what it leaves, packed."""
        import ray

        with temporary_folder() as root:
            copy = root / "copy"
            copy.mkdir()
            unpack(ray.get(self.reference), copy, ())
            work(copy)
            return pack(copy, self.leaves)

    def receive(self, left: bytes) -> None:
        """Unpack what the copy left."""
        unpack(left, self.folder, self.leaves)


def workplace(folder: Path, takes: Sequence[str], leaves: Sequence[str]) -> Carried:
    """Return the folder as a copy that a worker makes."""
    import ray

    return Carried(folder, ray.put(pack(folder, takes)), leaves)


@lru_cache(maxsize=1)
def _value(reference: Any) -> Any:
    import ray

    return ray.get(reference)
