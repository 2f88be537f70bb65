"""`make serve` in a project, and a client of its server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from tests.projects import Project


@dataclass
class Service:
    """`python -m gan_augment_flows.serve` in a project, and a client of its server."""

    project: Project
    port: int
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, **settings: str) -> None:
        environment = {
            **os.environ,
            "PREFECT_HOME": str(self.project.root.parent / "prefect"),
            "GAN_AUGMENT_PORT": str(self.port),
            "GAN_AUGMENT_SIGN_OF_LIFE_S": "45",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            **settings,
        }
        environment.pop("PREFECT_API_URL", None)
        log = (self.project.root.parent / "serve.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "gan_augment_flows.serve"],
            cwd=self.project.root,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def word(self) -> str:
        return (self.project.root.parent / "prefect/gan-augment.password").read_text().strip()

    @property
    def client(self) -> SyncPrefectClient:
        return SyncPrefectClient(f"{self.address}/api", auth_string=self.word)

    @property
    def log(self) -> str:
        return (self.project.root.parent / "serve.log").read_text(errors="replace")

    def tree(self) -> list[psutil.Process]:
        process = psutil.Process(self.processes[-1].pid)
        return [process, *process.children(recursive=True)]

    def deployment(self, name: str) -> Any:
        wanted = DeploymentFilter.model_validate({"name": {"any_": [name]}})
        with self.client as client:
            found = client.read_deployments(deployment_filter=wanted)
        return found[0] if found else None

    def runs(self, deployment: str, *states: str) -> list[FlowRun]:
        """Return the runs of a deployment that are in some states, latest first."""
        wanted = {
            "deployment_id": {"any_": [self.deployment(deployment).id]},
            "state": {"name": {"any_": list(states)}},
        }
        with self.client as client:
            return client.read_flow_runs(
                flow_run_filter=FlowRunFilter.model_validate(wanted),
                sort=FlowRunSort.START_TIME_DESC,
            )

    def state(self, run: FlowRun) -> str:
        with self.client as client:
            return client.read_flow_run(run.id).state_name or ""


def until(condition: Callable[[], Any], seconds: float, service: Service) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        assert service.processes[-1].poll() is None, service.log
        time.sleep(0.3)
    raise AssertionError(service.log[-8000:])
