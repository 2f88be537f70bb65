"""Scheduled rebuilds, one after the other, on PostgreSQL and over SSH: nothing grows but what must.

Run by `make soak`, with fifty of them.
"""

import getpass
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pandas as pd
import pytest
import yaml

from tests.flows.postgres import postgres
from tests.flows.service import Service, until
from tests.ports import free_port
from tests.projects import ROOT, Project, copy
from tests.ssh import sshd

REBUILDS = int(os.environ.get("GAN_AUGMENT_REBUILDS", "0"))
SETTLED = 10
"""Rebuilds until caches are warm."""
PATIENCE_S = 300
MIB = 2**20

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(REBUILDS <= 2 * SETTLED, reason="takes long: make soak"),
]


def size(folder: Path) -> float:
    """Return what is on disk in a folder, in MiB."""
    printed = subprocess.run(
        ["du", "--summarize", "--bytes", folder], capture_output=True, text=True, check=False
    ).stdout
    return int(printed.split()[0]) / MIB


class Soak:
    """A project whose rebuild is due all the time, and what it takes."""

    def __init__(self, service: Service, database: Callable[[], int], remote: Path) -> None:
        self._service, self._database, self._remote = service, database, remote
        self.project = service.project
        self.rows: list[dict[str, float]] = []

    def rebuild(self, number: int) -> None:
        """Change the data, wait until they are published, and note what that took."""
        (self.project.root / "data/raw/a.txt").write_text(f"{number}\n")
        tag = f"augmented@v1.{number}.0"
        until(lambda: tag in self.project.tags(), PATIENCE_S, self._service)
        published = until(
            lambda: len(runs := self._service.runs("nightly", "Published")) > number and runs,
            PATIENCE_S,
            self._service,
        )
        tree = self._service.tree()
        self.rows.append(
            {
                "memory": sum(process.memory_info().rss for process in tree) / MIB,
                "files": sum(process.num_fds() for process in tree),
                "processes": len(tree),
                "seconds": published[0].total_run_time.total_seconds(),
                "project": size(self.project.root),
                "remote": size(self._remote),
                "database": self._database() / MIB,
                "temporary": len(list(Path(os.environ["TMPDIR"]).iterdir())),
            }
        )
        print(number, {name: round(value, 1) for name, value in self.rows[-1].items()}, flush=True)


@pytest.fixture
def soak(built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Soak]:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    project, remote = copy(built, tmp_path / "copy"), tmp_path / "remote"
    shutil.copytree(ROOT / "flows", project.root / "flows")
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    content["deployments"] = content["deployments"][:1]
    content["deployments"][0]["schedules"] = [{"interval": 10}]
    (project.root / "prefect.yaml").write_text(yaml.safe_dump(content))
    with (project.root / ".gitignore").open("a") as file:
        file.write("__pycache__\n")
    with ExitStack() as stack:
        port, key = stack.enter_context(sshd(tmp_path / "ssh"))
        url, database = stack.enter_context(postgres())
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{remote}"
        project.run("dvc", "remote", "add", "--quiet", "--default", "over-ssh", address)
        project.run("dvc", "remote", "modify", "over-ssh", "keyfile", str(key))
        project.commit("soak")
        project.run("git", "push", "--quiet", "origin", "main")
        service = Service(project, free_port())
        service.start(PREFECT_API_DATABASE_CONNECTION_URL=url)
        until(lambda: project.tags() == ["augmented@v1.0.0"], PATIENCE_S, service)
        yield Soak(service, database, remote)
        service.processes[-1].terminate()
        service.processes[-1].wait(timeout=60)


def test_nothing_grows_but_what_must(soak: Soak) -> None:
    for number in range(1, REBUILDS + 1):
        soak.rebuild(number)
    found = pd.DataFrame(soak.rows)
    print(found.iloc[[0, SETTLED - 1, REBUILDS // 2, REBUILDS - 1]].round(1).to_string())
    early, late = found.iloc[SETTLED : 2 * SETTLED], found.iloc[-SETTLED:]
    for name, most in (("memory", 1.15), ("files", 1.1), ("processes", 1.0), ("seconds", 1.3)):
        assert median(late[name]) <= most * median(early[name]), found[name].tolist()
    assert late["temporary"].max() <= early["temporary"].max()
    half = REBUILDS // 2
    for name in ("project", "remote", "database"):
        grown = found[name].diff()
        assert grown[half:].mean() <= max(1.3 * grown[SETTLED:half].mean(), 0.1), found[name]
