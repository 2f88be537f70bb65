"""Server, worker, deployments and reports on one machine: `python -m gan_augment_flows.serve`.

Everything that Prefect knows, schedules included, is in its database in PREFECT_HOME and is there
again after a restart. With PREFECT_API_URL set, no server is started and that one is used.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gan_augment.errors import UserError

POOL = "gan-augment"
PORT = "GAN_AUGMENT_PORT"
"""Environment variable: port of the server; the one after it serves the report."""
DEFAULT_PORT = 4200
STARTUP_S = 120
CRASHED = "Mark runs without a sign of life as crashed"
SIGN_OF_LIFE = "GAN_AUGMENT_SIGN_OF_LIFE_S"
"""Environment variable: seconds without a heartbeat after which a run counts as crashed."""


def main() -> None:
    """Serve until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get(PORT, DEFAULT_PORT))
    os.environ.setdefault("GAN_AUGMENT_REPORT_URL", f"http://127.0.0.1:{port + 1}/report.html")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    try:
        with contextlib.ExitStack() as running:
            if "PREFECT_API_URL" not in os.environ:
                os.environ["PREFECT_SERVER_API_PORT"] = str(port)
                running.enter_context(_background("prefect", "server", "start"))
                os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
            wait_for_server()
            _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
            _prefect("--no-prompt", "deploy", "--all")
            notice_crashes()
            reports = ("http.server", "--directory", "reports", "--bind", "127.0.0.1")
            running.enter_context(_background(*reports, str(port + 1)))
            print(f"serving: {os.environ['PREFECT_API_URL'].removesuffix('/api')}", flush=True)
            with _background("prefect", "worker", "start", "--pool", POOL) as worker:
                sys.exit(worker.wait())
    except KeyboardInterrupt:
        pass
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def notice_crashes() -> None:
    """Have the server mark runs as crashed whose process is gone: their heartbeats cease.

    Otherwise the run of a machine that lost power would count as running for ever.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    heartbeat = "prefect.flow-run.heartbeat"
    ends = {f"prefect.flow-run.{e}" for e in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={heartbeat},
        expect={heartbeat, *ends},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=float(os.environ.get(SIGN_OF_LIFE, "90"))),
    )
    action = ChangeFlowRunState(
        state=StateType.CRASHED, name=None, message="no sign of life from its process", force=False
    )
    automation = AutomationCore(name=CRASHED, description="", trigger=trigger, actions=[action])
    with get_client(sync_client=True) as client:
        if not client.read_automations_by_name(CRASHED):
            client.create_automation(automation)


@contextlib.contextmanager
def _background(*module: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python -m MODULE...` as long as the block lasts."""
    with subprocess.Popen([sys.executable, "-m", *module], cwd=Path.cwd()) as process:
        try:
            yield process
        finally:
            process.terminate()


def _prefect(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "prefect", *arguments], check=False)
    if done.returncode:
        raise UserError(f"prefect {' '.join(arguments)} failed: see above")


def wait_for_server() -> None:
    """Wait until the server at PREFECT_API_URL answers.

    Raises:
        UserError: it does not in two minutes.
    """
    address = f"{os.environ['PREFECT_API_URL']}/health"
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(address, timeout=5),
        ):
            return
        time.sleep(0.5)
    raise UserError(f"no Prefect server answers at {address}")


if __name__ == "__main__":
    main()
