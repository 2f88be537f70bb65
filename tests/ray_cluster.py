"""A Ray cluster of two machines on this one, in a process of its own that takes all with it.

Nothing of it can be reached from elsewhere. `python -m tests.ray_cluster` prints its address, then
obeys its standard input: `lose` kills the second machine, `add` starts another; it ends with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
"""Environment of all of Ray's processes, by which they listen on 127.0.0.1 alone.

Workers are as nice as other processes: at Ray's 15 they wait for minutes on a busy machine.
"""
MACHINE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100_000_000}
PATIENCE_S = 30


class Cluster:
    """A running cluster; `address` is what `ray.init` wants."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._answer()

    def lose(self) -> None:
        """Kill the second machine."""
        self._ask("lose")

    def add(self) -> None:
        """Start another second machine."""
        self._ask("add")

    def _ask(self, what: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._answer() == what

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def started() -> Iterator[Cluster]:
    """Start a cluster; in the end none of its processes is left, whatever happened."""
    command = [sys.executable, "-m", "tests.ray_cluster"]
    environment = {**os.environ, **SETTINGS}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Cluster(process)
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
            for left in psutil.wait_procs(below, timeout=PATIENCE_S)[1]:
                left.kill()


def main() -> None:
    """Be the cluster."""
    from ray._private.utils import get_ray_address_file
    from ray.cluster_utils import Cluster as Machines

    # Where Ray notes its address, which it makes only with its default folder.
    Path(get_ray_address_file(None)).parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="ray-")
    machines = Machines()
    try:
        machines.add_node(**MACHINE, include_dashboard=False, temp_dir=folder)
        second = machines.add_node(**MACHINE)
        print(machines.address, flush=True)
        for line in sys.stdin:
            if line.strip() == "lose":
                machines.remove_node(second, allow_graceful=False)
            else:
                second = machines.add_node(**MACHINE)
            print(line.strip(), flush=True)
    finally:
        machines.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
