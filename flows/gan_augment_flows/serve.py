"""Server, worker, deployments and reports on one machine: `python -m gan_augment_flows.serve`.

Everything that Prefect knows, schedules included, is in its database in PREFECT_HOME and is there
again after a restart. If PREFECT_API_URL is set, in the environment or in Prefect's profile, no
server is started and that one is used. Server and deployments of another checkout are never taken
over. The server answers this machine alone, and who has its password.
"""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gan_augment import plain_yaml
from gan_augment.errors import UserError, reason, without_passwords
from gan_augment.lock import locked
from gan_augment.versions.supervisor import supervised
from gan_augment_flows import password
from gan_augment_flows.web import ADDRESS, REPORT

POOL, TYPE = "gan-augment", "process"
PORT = "GAN_AUGMENT_PORT"
"""Environment variable: port of the server; the one after it serves the report."""
DEFAULT_PORT, MAX_PORT = 4200, 65534
STARTUP_S, ANSWER_S, POLL_S = 120, 5, 0.5
TEMPLATE = Path(__file__).with_name("work_pool.json")
"""What a run of the work pool is like; none can choose a command or an environment of its own."""
IN_FOLDER = "prefect.deployments.steps.set_working_directory"
"""The step by which a deployment works in a checkout."""
CRASHED = "Mark runs without a sign of life as crashed"
SIGN_OF_LIFE = "GAN_AUGMENT_SIGN_OF_LIFE_S"
"""Environment variable: seconds without a heartbeat after which a run counts as crashed."""
DEFAULT_S, LEAST_S, MOST_S = 90, 10, 86400


Process = subprocess.Popen[bytes]


def main() -> None:
    """Serve until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with contextlib.ExitStack() as running:
            sys.exit(serve(chosen_port(), running))
    except KeyboardInterrupt:
        pass
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def serve(port: int, running: contextlib.ExitStack) -> int:
    """Serve as long as the worker works, and return its exit code.

    Args:
        port: of the server; the next one is the report's.
        running: ends what was started here.

    Raises:
        UserError: a port or PREFECT_HOME cannot be used, the server ended, or its deployments are
            another checkout's.
    """
    os.environ.setdefault("GAN_AUGMENT_REPORT_URL", f"http://{ADDRESS}:{port + 1}/{REPORT.name}")
    check_free(port + 1)
    server = None
    if not (address := named_server()):
        server = running.enter_context(_server(port))
    else:
        os.environ["PREFECT_API_URL"] = address
    wait_for_server(server)
    check_own(anywhere=bool(address))
    check_pool()
    pool = ("work-pool", "create", POOL, "--type", TYPE, "--overwrite")
    _prefect(*pool, "--base-job-template", str(TEMPLATE))
    _prefect("--no-prompt", "deploy", "--all")
    notice_crashes()
    running.enter_context(_web("report", port + 1))
    _tell(port, server)
    worker = running.enter_context(_background("prefect", "worker", "start", "--pool", POOL))
    while worker.poll() is None:
        _check_alive(server)
        time.sleep(POLL_S)
    return worker.returncode


def _tell(port: int, server: Process | None) -> None:
    """Print where to look, and how to be let in."""
    address = os.environ["PREFECT_API_URL"]
    print(f"report:  http://{ADDRESS}:{port + 1}/{REPORT.name}")
    if server is not None:
        where = shlex.quote(str(password.place(password.home())))
        print(f"sign in with the line in {where}; for Prefect's commands in another terminal:")
        print(f'  export PREFECT_API_URL={address} {password.CLIENT}="$(cat {where})"')
    print(f"serving: {without_passwords(address).removesuffix('/api')}", flush=True)


def named_server() -> str:
    """Return the address of the server that the environment or Prefect's profile names, if any.

    Prefect reads its settings once, when it is imported, so another process is asked. What it warns
    of, this one will, too.
    """
    if address := os.environ.get("PREFECT_API_URL"):
        return address
    code = "from prefect.settings import get_current_settings as s; print(s().api.url or '')"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.strip()


def chosen_port() -> int:
    """Return the port in GAN_AUGMENT_PORT, or the default.

    Raises:
        UserError: it is no port, or leaves none for the report.
    """
    given = os.environ.get(PORT) or str(DEFAULT_PORT)
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MAX_PORT):
        raise UserError(f"{PORT} = {given!r}: must be a number from 1 to {MAX_PORT}")
    return int(given)


def sign_of_life() -> timedelta:
    """Return after what time without a heartbeat a run counts as crashed.

    Raises:
        UserError: what the environment says is no such number.
    """
    given = os.environ.get(SIGN_OF_LIFE) or str(DEFAULT_S)
    if not (given.isascii() and given.isdigit() and LEAST_S <= int(given) <= MOST_S):
        raise UserError(
            f"{SIGN_OF_LIFE} = {given!r}: must be a whole number from {LEAST_S} to {MOST_S}"
        )
    return timedelta(seconds=int(given))


def check_free(port: int) -> None:
    """Raise a UserError if a port of this machine is in use or not allowed."""
    try:
        socket.create_server((ADDRESS, port)).close()
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise UserError(
            f"port {port} cannot be used: {why}; the server takes the port in {PORT} "
            f"({DEFAULT_PORT} if unset), the report the one after it: set another, or end what "
            "uses it"
        ) from None


def check_own(*, anywhere: bool) -> None:
    """Refuse deployments of the work pool that are not this checkout's.

    Deploying replaces those of the same name, and runs of the others would be this worker's: their
    schedules would be gone. This checkout's are those that work in its folder, and those that come
    to their code as its prefect.yaml says under `pull`.

    Args:
        anywhere: whether other machines use the server, too; else a folder that is not here any
            more is nobody's.

    Raises:
        UserError: there are such, or no Prefect server answers, or not without a password.
    """
    pulls = _pulls(Path("prefect.yaml"))
    theirs = (_of_others(deployment, pulls, anywhere) for deployment in _deployments())
    if others := sorted({other for other in theirs if other}):
        raise UserError(
            f"this Prefect server has the schedules of {', '.join(others)}, which would be "
            "replaced: use another server or PREFECT_HOME, or delete them first "
            "(`prefect deployment delete`)"
        )


def check_pool() -> None:
    """Raise a UserError if there is a work pool of that name whose runs are no processes."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client, contextlib.suppress(ObjectNotFound):
        if (found := client.read_work_pool(POOL).type) != TYPE:
            raise UserError(
                f"the work pool {POOL!r} of this Prefect server is of type {found!r}, and its "
                "template would be replaced by one for processes: run `prefect deploy --all` and "
                f"`prefect worker start --pool {POOL}` instead"
            )


def _pulls(path: Path) -> Sequence[Sequence[Any]]:
    """Return the steps by which deployments of a prefect.yaml come to their code, if it says so.

    They are as `prefect deploy` keeps them, with the environment's values for their placeholders.
    """
    from prefect.utilities.templating import apply_values

    content = plain_yaml.parse(path.read_text(), path.name) if path.exists() else None
    if not isinstance(content, dict):  # `prefect deploy` says so
        return []
    places = [content, *(content.get("deployments") or [])]
    pulls = [place.get("pull") for place in places if isinstance(place, dict)]
    kept: list[Any] = [
        apply_values(pull, {}, remove_notset=False) for pull in pulls if isinstance(pull, list)
    ]
    return kept


def _of_others(deployment: Any, pulls: Sequence[Sequence[Any]], anywhere: bool) -> str | None:
    """Return whose a deployment is, None if it is this checkout's or nobody's."""
    steps = deployment.pull_steps or []
    if steps in pulls:
        return None
    if folders := [Path(step[IN_FOLDER]["directory"]) for step in steps if IN_FOLDER in step]:
        here = Path.cwd().resolve()
        there = [each for each in folders if anywhere or each.is_dir()]
        return next((str(each) for each in there if each.resolve() != here), None)
    given = [inputs or {} for step in steps for inputs in step.values()]
    cloned = [inputs["repository"] for inputs in given if "repository" in inputs]
    return cloned[0] if cloned else f"the deployment {deployment.name!r}"


def _deployments() -> Sequence[Any]:
    """Return the deployments of the work pool.

    Raises:
        UserError: what answers is no Prefect server, or wants a password.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import WorkPoolFilter
    from prefect.exceptions import PrefectHTTPStatusError

    wanted = WorkPoolFilter.model_validate({"name": {"any_": [POOL]}})
    with get_client(sync_client=True) as client:
        try:
            return client.read_deployments(work_pool_filter=wanted)
        except PrefectHTTPStatusError as error:
            answer = error.response
        except ValueError as error:  # a page, or other JSON
            raise UserError(
                f"what answers at {os.environ['PREFECT_API_URL']} is no Prefect server: "
                f"{reason(error)}"
            ) from None
    server = f"the server at {os.environ['PREFECT_API_URL']}"
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        raise UserError(f"{server} wants a password: put it into {password.CLIENT}")
    raise UserError(
        f"{server} answers {answer.status_code} {answer.reason_phrase}: see that the address is "
        "that of Prefect's API, and that who asks is let in"
    )


@contextlib.contextmanager
def _server(port: int) -> Iterator[Process]:
    """Run a Prefect server that nobody else runs with the same PREFECT_HOME."""
    check_free(port)
    home = password.home()
    busy = f"another `make serve` works with PREFECT_HOME = {home}; end it, set another one"
    with locked(home / "gan-augment.lock", busy, 0):
        password.use(home)
        origin = f"http://{ADDRESS}:{port}"
        os.environ["PREFECT_SERVER_API_PORT"] = str(port)
        os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = origin
        os.environ["PREFECT_API_URL"] = f"{origin}/api"
        with _web("prefect", port) as server:
            yield server


def _check_alive(server: Process | None) -> None:
    if server is not None and server.poll() is not None:
        raise UserError(f"the Prefect server ended with exit code {server.returncode}: see above")


def notice_crashes() -> None:
    """Have the server mark runs as crashed whose process is gone: their heartbeats cease.

    Otherwise the run of a machine that lost power would count as running for ever. Only runs of the
    work pool's deployments count: others may give a sign of life more seldom.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    heartbeat = "prefect.flow-run.heartbeat"
    ends = {f"prefect.flow-run.{e}" for e in ("Completed", "Failed", "Cancelled", "Crashed")}
    ours = sorted(f"prefect.deployment.{deployment.id}" for deployment in _deployments())
    trigger = EventTrigger(
        after={heartbeat},
        expect={heartbeat, *ends},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        match_related=ResourceSpecification({"prefect.resource.id": ours}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=sign_of_life(),
    )
    action = ChangeFlowRunState(
        state=StateType.CRASHED, name=None, message="no sign of life from its process", force=False
    )
    automation = AutomationCore(name=CRASHED, description="", trigger=trigger, actions=[action])
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(CRASHED)
        if not found:
            client.create_automation(automation)
        for one in found:
            before = [getattr(one.trigger, part, None) for part in ("within", "match_related")]
            if before != [trigger.within, trigger.match_related]:  # else it loses what it saw
                now = automation.model_copy(update={"enabled": one.enabled})
                client.update_automation(one.id, now)


def _web(application: str, port: int) -> contextlib.AbstractContextManager[Process]:
    """Run one of the applications of `web` on a port of this machine."""
    place = ("--host", ADDRESS, "--port", str(port), "--log-level", "warning")
    return _background("uvicorn", "--factory", f"gan_augment_flows.web:{application}", *place)


@contextlib.contextmanager
def _background(*module: str) -> Iterator[Process]:
    """Run `python -m MODULE...` as long as the block lasts, and this process lives."""
    command = supervised([sys.executable, "-m", *module])
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process


def _prefect(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "prefect", *arguments], check=False)
    if done.returncode:
        raise UserError(f"prefect {' '.join(arguments)} failed: see above")


def wait_for_server(server: Process | None = None) -> None:
    """Wait until the server at PREFECT_API_URL answers, were it that it lets nobody in.

    Args:
        server: its process, if it was started here; once that has ended, waiting ends too.

    Raises:
        UserError: it does not in two minutes, or ended.
    """
    from httpx import HTTPStatusError
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    address = os.environ["PREFECT_API_URL"]
    deadline = time.monotonic() + STARTUP_S
    asked = {PREFECT_API_URL: address, PREFECT_CLIENT_MAX_RETRIES: 0}
    with (
        temporary_settings(asked),
        get_client(sync_client=True, httpx_settings={"timeout": ANSWER_S}) as client,
    ):
        while True:
            _check_alive(server)
            trouble = client.api_healthcheck()
            if trouble is None or isinstance(trouble, HTTPStatusError):
                return
            if time.monotonic() > deadline:
                raise UserError(f"no Prefect server answers at {address}: {reason(trouble)}")
            time.sleep(POLL_S)


if __name__ == "__main__":
    main()
