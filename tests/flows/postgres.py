"""A PostgreSQL server on this machine, from Debian's package, for as long as a test needs it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@contextmanager
def postgres() -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield the address that Prefect takes, and what tells how many bytes the database has."""
    if not PROGRAMS:
        pytest.skip("no PostgreSQL here: install Debian's postgresql")
    programs, port = PROGRAMS[-1], free_port()
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be run by root
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    made = [programs / "initdb", "-D", data, "-A", "trust", "-U", "prefect", "-E", "UTF8"]
    subprocess.run(made, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
    served = ["-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
    log = (folder / "log").open("wb")
    with subprocess.Popen(
        [programs / "postgres", *served], user=user, cwd=folder, stdout=log, stderr=log
    ) as server:
        for _ in range(100):
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            if subprocess.run(ready, check=False).returncode == 0:
                break
            time.sleep(0.2)
        address = f"prefect@127.0.0.1:{port}/postgres"

        def size() -> int:
            asked = "SELECT pg_database_size('postgres')"
            told = [programs / "psql", f"postgresql://{address}", "-tAc", asked]
            return int(subprocess.check_output(told))

        yield f"postgresql+asyncpg://{address}", size
        server.terminate()
    shutil.rmtree(folder)
