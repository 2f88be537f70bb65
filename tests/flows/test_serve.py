"""A real server, worker and schedule on one machine, with a project whose stages are quick."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import httpx
import psutil
import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_CUSTOM_HEADERS,
    temporary_settings,
)
from prefect.states import Cancelled, Cancelling, Crashed, Failed

from gan_augment.errors import UserError
from gan_augment_flows import serve
from tests.flows.service import Service, until
from tests.ports import free_port
from tests.projects import ROOT, Project, copy
from tests.report.browser import browser, executable
from tests.serving import serving

pytestmark = pytest.mark.e2e

# The first run leaves a checkpoint and goes on for longer than any test; the next one resumes.
SLOW = """\
if [ ! -e checkpoint ]; then
    echo 'train: 1/2 steps, 300 s left'
    touch checkpoint
    sleep 300
fi
mkdir -p models/generator && echo resumed > models/generator/weights
"""


def sleepers(project: Project) -> list[psutil.Process]:
    """Return the processes of the slow stage of a project."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if "300" in (process.info["cmdline"] or []) and process.info["cwd"] == str(project.root)
    ]


@pytest.fixture(scope="module")
def service(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve a project whose nightly rebuild is due all the time."""
    project = copy(built, tmp_path_factory.mktemp("service") / "copy")
    shutil.copytree(ROOT / "flows", project.root / "flows")
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    nightly = content["deployments"][0]
    assert nightly["name"] == "nightly"
    nightly["schedules"] = [{"interval": 15}]
    (project.root / "prefect.yaml").write_text(yaml.safe_dump(content))
    (project.root / "train.sh").write_text(SLOW)
    with (project.root / ".gitignore").open("a") as file:
        file.write("/checkpoint\n__pycache__\n")
    project.commit("slow")
    service = Service(project, free_port())
    service.start()
    yield service
    for process in service.processes:
        process.terminate()
        process.wait(timeout=60)


def test_the_schedule_fires_and_cancelling_its_run_stops_the_stage_within_seconds(
    service: Service,
) -> None:
    until(lambda: sleepers(service.project), 180, service)
    (run,) = service.runs("nightly", "Running")
    assert run.auto_scheduled
    with service.client as client:
        client.set_flow_run_state(run.id, Cancelling())
    until(lambda: not sleepers(service.project), 20, service)
    until(lambda: service.state(run) == "Cancelled", 20, service)
    assert (service.project.root / "checkpoint").exists()


def test_the_next_run_resumes_and_publishes(service: Service) -> None:
    until(lambda: service.runs("nightly", "Published"), 150, service)
    assert service.project.tags() == ["augmented@v1.0.0"]
    assert (service.project.root / "models/generator/weights").read_text() == "resumed\n"
    shown = service.project.run("git", "log", "--format=%s", "published", cwd=service.project.git)
    assert "Publish augmented: helps" in shown


def test_artifacts_are_in_the_ui(service: Service) -> None:
    with service.client as client:
        found = {artifact.key: artifact for artifact in client.read_artifacts()}
    assert {"verdict", "metrics", "train-progress"} <= set(found)
    assert found["train-progress"].data == 50.0
    assert "Verdict: helps" in str(found["verdict"].data)
    assert "gan" in {row["metric"] for row in json.loads(str(found["metrics"].data))}


def test_who_has_no_password_is_not_answered(service: Service) -> None:
    user = service.word.split(":")[0]
    for auth in (None, (user, "wrong"), (user, "")):
        with httpx.Client(base_url=f"{service.address}/api", auth=auth) as http:
            assert http.get("/health").status_code == 200
            for path in ("deployments", "flow_runs", "work_pools", "block_documents"):
                assert http.post(f"/{path}/filter", json={}).status_code == 401
            assert http.get("/admin/settings").status_code == 401


def test_a_run_chooses_neither_command_nor_environment(service: Service) -> None:
    mark = service.project.root.parent / "mark"
    with httpx.Client(
        base_url=f"{service.address}/api", auth=tuple(service.word.split(":"))
    ) as http:
        for name, value in (
            ("command", f"touch {mark}"),
            ("env", {"PYTHONPATH": str(mark)}),
            ("working_dir", str(mark)),
        ):
            run = {"job_variables": {name: value}}
            path = f"/deployments/{service.deployment('by-hand').id}"
            answer = http.post(f"{path}/create_flow_run", json=run)
            assert answer.is_client_error
            assert f"('{name}' was unexpected)" in answer.text
    assert not mark.exists()


def test_nothing_but_a_name_reaches_the_process_of_a_run() -> None:
    template = serve.TEMPLATE.read_text()
    assert set(re.findall(r"{{ (\w+) }}", template)) == {"labels", "name", "stream_output"}
    made = json.loads(template)["job_configuration"]
    assert made["command"] is None
    assert set(made["env"].values()) == {"1", "30"}


ATTACK = """
<script>
async function attempt(url, options) {
  try { return (await fetch(url, options)).status } catch (error) { return "blocked" }
}
async function all(server, report) {
  const run = {method: "POST", body: '{"job_variables": {"command": "touch MARK"}}'};
  const json = {...run, headers: {"Content-Type": "application/json"}};
  const found = await Promise.all([
    attempt(server + "/api/health"),
    attempt(server + "/api/deployments/filter", json),
    attempt(server + "/api/deployments/ID/create_flow_run", json),
    attempt(report + "/report.html"),
  ]);
  await fetch(server + "/api/deployments/ID/create_flow_run", {...run, mode: "no-cors"});
  return found;
}
</script>
"""


def test_a_page_of_another_origin_can_do_nothing(service: Service, tmp_path: Path) -> None:
    program = executable()
    if program is None:
        pytest.skip("no Chromium")
    mark = tmp_path / "mark"
    deployment = str(service.deployment("by-hand").id)
    (tmp_path / "site").mkdir()
    page = ATTACK.replace("MARK", str(mark)).replace("ID", deployment)
    (tmp_path / "site/index.html").write_text(page)
    before = len(service.runs("by-hand", "Scheduled", "Late", "Pending", "Running"))
    with site(tmp_path / "site") as evil, browser(program, tmp_path / "profile") as tab:
        tab.open(evil, 800)
        report = f"http://127.0.0.1:{service.port + 1}"
        found = tab.evaluate(f"all('{service.address}', '{report}')")
    assert found == ["blocked"] * 4
    assert len(service.runs("by-hand", "Scheduled", "Late", "Pending", "Running")) == before
    assert not mark.exists()


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve a folder as another origin; yield its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with serving(handler) as port:
        yield f"http://localhost:{port}/"


def refused(project: Project, **environment: str) -> str:
    """Return what `make serve` says in a project before it ends, which it does soon."""
    clean = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "gan_augment_flows.serve"],
        cwd=project.root,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_second_one_takes_over_neither_server_nor_deployments(
    service: Service, project: Project
) -> None:
    def folders() -> set[str]:
        with service.client as client:
            return {str(deployment.pull_steps) for deployment in client.read_deployments()}

    before = folders()
    assert all(str(service.project.root) in folder for folder in before)
    home = str(service.project.root.parent / "prefect")
    elsewhere = str(project.root.parent / "prefect")
    same_port = refused(project, GAN_AUGMENT_PORT=str(service.port), PREFECT_HOME=elsewhere)
    assert "cannot be used: address already in use" in same_port
    same_home = refused(project, GAN_AUGMENT_PORT=str(free_port()), PREFECT_HOME=home)
    assert f"another `make serve` works with PREFECT_HOME = {home}" in same_home
    there = {
        "GAN_AUGMENT_PORT": str(free_port()),
        "PREFECT_HOME": elsewhere,
        "PREFECT_API_URL": f"{service.address}/api",
    }
    assert "wants a password: put it into PREFECT_API_AUTH_STRING" in refused(project, **there)
    same_server = refused(project, **there, PREFECT_API_AUTH_STRING=service.word)
    assert f"has the schedules of {service.project.root}, which would be replaced" in same_server
    assert folders() == before


def test_a_server_that_a_profile_names_is_used(
    service: Service, project: Project, tmp_path: Path
) -> None:
    profile = f'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "{service.address}/api"\n'
    (tmp_path / "profiles.toml").write_text(profile)
    there = {"GAN_AUGMENT_PORT": str(free_port()), "PREFECT_HOME": str(tmp_path)}
    said = refused(project, **there)
    assert f"the server at {service.address}/api wants a password" in said


class Deployments:
    """A client of a server that has one deployment, which comes to its code by some steps."""

    def __init__(self, steps: list[dict[str, Any]] | None) -> None:
        self.steps = steps

    def __enter__(self) -> "Deployments":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_deployments(self, **_: object) -> list[Any]:
        found = SimpleNamespace(name="theirs", work_pool_name=serve.POOL, pull_steps=self.steps)
        return [found]


@pytest.fixture
def server_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[dict[str, Any]] | None], None]:
    """Work in `tmp_path`; the fixture has the server have one deployment, with these pull steps."""
    monkeypatch.chdir(tmp_path)

    def has(steps: list[dict[str, Any]] | None) -> None:
        of_that = partial(Deployments, steps)
        monkeypatch.setattr("prefect.client.orchestration.get_client", lambda **_: of_that())

    return has


def test_deployments_of_another_machine_are_not_taken_over(
    tmp_path: Path, server_has: Callable[[list[dict[str, Any]] | None], None]
) -> None:
    def in_folder(folder: Path) -> list[dict[str, Any]]:
        return [{serve.IN_FOLDER: {"directory": str(folder)}}]

    server_has(in_folder(tmp_path / "of another machine"))
    with pytest.raises(UserError, match="has the schedules of .*/of another machine, which would"):
        serve.check_own(anywhere=True)
    serve.check_own(anywhere=False)  # on this machine: gone, and nobody's
    server_has(in_folder(tmp_path))
    serve.check_own(anywhere=True)


CLONED = [{"prefect.deployments.steps.git_clone": {"repository": "https://x:secret@git.org/b.git"}}]


@pytest.mark.parametrize(
    ("steps", "whose"),
    [
        (CLONED, "https://git.org/b.git"),
        (None, "the deployment 'theirs'"),
        ([{"prefect.deployments.steps.run_shell_script": {"script": "ls"}}], "the deployment"),
    ],
)
@pytest.mark.parametrize("anywhere", [True, False])
def test_deployments_that_work_in_no_folder_are_not_taken_over(
    tmp_path: Path,
    server_has: Callable[[list[dict[str, Any]] | None], None],
    steps: list[dict[str, Any]] | None,
    whose: str,
    anywhere: bool,
) -> None:
    server_has(steps)
    for content in ({}, {"pull": None, "deployments": [{"name": "mine"}]}):
        (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(content))
        with pytest.raises(UserError, match=f"server has the schedules of {whose}.*, which would"):
            serve.check_own(anywhere=anywhere)
    pull = {"pull": steps or []}
    for content in (pull, {"deployments": [{"name": "one"}, {"name": "two", **pull}]}):
        (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(content))
        serve.check_own(anywhere=anywhere)


def test_deployments_of_here_are_known_by_what_placeholders_stood_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server_has: Callable[[list[dict[str, Any]] | None], None],
) -> None:
    """Prefect keeps what variables of the environment hold, and the names of its own blocks."""
    token = "{{ prefect.blocks.secret.token }}"
    kept, written = (
        [{step: {**inputs, "branch": branch, "access_token": token}}]
        for branch in ("main", "{{ $OUR_BRANCH }}")
        for step, inputs in CLONED[0].items()
    )
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump({"pull": written}))
    server_has(kept)
    monkeypatch.setenv("OUR_BRANCH", "main")
    serve.check_own(anywhere=True)
    monkeypatch.setenv("OUR_BRANCH", "another")
    with pytest.raises(UserError, match="has the schedules of"):
        serve.check_own(anywhere=True)


@pytest.mark.usefixtures("prefect_server")
def test_a_pool_of_another_type_stays_as_it_is() -> None:
    serve.check_pool()  # there is none
    with get_client(sync_client=True) as client:
        for kind in (serve.TYPE, "docker"):
            client.create_work_pool(WorkPoolCreate(name=serve.POOL, type=kind))
            if kind == serve.TYPE:
                serve.check_pool()
            else:
                with pytest.raises(UserError, match="'gan-augment' .* is of type 'docker', and"):
                    serve.check_pool()
            client.delete_work_pool(serve.POOL)


@pytest.mark.usefixtures("prefect_server")
def test_another_sign_of_life_takes_the_place_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    updates: list[object] = []
    update = SyncPrefectClient.update_automation

    def counted(client: SyncPrefectClient, *given: Any) -> None:
        updates.append(given)
        update(client, *given)

    monkeypatch.setattr(SyncPrefectClient, "update_automation", counted)
    for seconds in ("90", "90", "600"):
        monkeypatch.setenv(serve.SIGN_OF_LIFE, seconds)
        serve.notice_crashes()
        with get_client(sync_client=True) as client:
            (found,) = client.read_automations_by_name(serve.CRASHED)
        assert found.trigger.within.total_seconds() == float(seconds)
    assert len(updates) == 1  # what is updated forgets what it saw


@pytest.mark.usefixtures("prefect_server")
def test_only_runs_of_its_own_deployments_count_as_crashed() -> None:
    @flow(name="worked on")
    def work() -> None:
        return

    with get_client(sync_client=True) as client:
        pool = client.create_work_pool(WorkPoolCreate(name=serve.POOL, type="process"))
        flow_id = client.create_flow(work)
        ours = client.create_deployment(flow_id, "ours", work_pool_name=serve.POOL)
        theirs = client.create_deployment(flow_id, "theirs")
        serve.notice_crashes()
        (automation,) = client.read_automations_by_name(serve.CRASHED)
        trigger = EventTrigger.model_validate(automation.trigger.model_dump())

        def covered(run: FlowRun, *wanted: str) -> list[bool]:
            """Return of these events of a run whether the trigger covers them."""
            of_run = {"filter": {"resource": {"id": [f"prefect.flow-run.{run.id}"]}}}
            deadline = time.monotonic() + 60
            while True:
                told = client._client.post("/events/filter", json=of_run).json()["events"]
                found = {event["event"].rpartition(".")[2]: event for event in told}
                if found.keys() >= set(wanted):
                    return [trigger.covers(ReceivedEvent(**found[name])) for name in wanted]
                assert time.monotonic() < deadline, found.keys()
                time.sleep(0.3)

        runs = [client.create_flow_run_from_deployment(each) for each in (ours, theirs)]
        runs.append(client.create_flow_run(work))
        for run, its_own in zip(runs, (True, False, False), strict=True):
            run_flow(work, flow_run=run)
            assert covered(run, "heartbeat", "Completed") == [its_own, its_own]
        for state in (Failed(), Cancelled(), Crashed()):
            run = client.create_flow_run_from_deployment(ours)
            client.set_flow_run_state(run.id, state)
            assert covered(run, str(state.name)) == [True]
        client.delete_automation(automation.id)
        client.delete_work_pool(pool.name)


@pytest.mark.parametrize("given", ["abc", "9", "90.5", "86401", "-30", "inf"])
def test_a_sign_of_life_that_is_none(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(serve.SIGN_OF_LIFE, given)
    said = f"GAN_AUGMENT_SIGN_OF_LIFE_S = '{given}': must be a whole number from 10 to 86400"
    with pytest.raises(UserError, match=said):
        serve.sign_of_life()
    monkeypatch.setenv(serve.SIGN_OF_LIFE, "45")
    assert serve.sign_of_life().seconds == 45


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65535", "4200.5", "٣"])
def test_a_port_that_is_none(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("GAN_AUGMENT_PORT", port)
    with pytest.raises(UserError, match=f"GAN_AUGMENT_PORT = '{port}': must be a number from 1"):
        serve.chosen_port()
    monkeypatch.setenv("GAN_AUGMENT_PORT", "47000")
    assert serve.chosen_port() == 47000
    monkeypatch.delenv("GAN_AUGMENT_PORT")
    assert serve.chosen_port() == 4200


@pytest.mark.parametrize("which", [0, 1])
def test_a_port_in_use(built: Project, which: int) -> None:
    first = free_port()  # as is the one after it
    with socket.create_server(("127.0.0.1", first + which)):
        said = refused(built, GAN_AUGMENT_PORT=str(first))
    assert f"port {first + which} cannot be used: address already in use" in said


def test_a_home_that_cannot_be_used(built: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = str(tmp_path / "file/home")
    said = refused(built, GAN_AUGMENT_PORT=str(free_port()), PREFECT_HOME=home)
    assert f"cannot write {home}" in said
    assert "Not a directory" in said


def test_a_server_that_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    began = time.monotonic()
    with (
        subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as server,
        pytest.raises(UserError, match="the Prefect server ended with exit code 3"),
    ):
        serve.wait_for_server(server)
    assert time.monotonic() - began < serve.STARTUP_S / 2


@pytest.mark.parametrize("said", [b"", b"SSH-2.0\r\n"])
def test_what_accepts_and_is_no_server_is_one_message(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never answers, or not as a web server does."""
    for name, seconds in {"STARTUP_S": 0.3, "ANSWER_S": 0.1, "POLL_S": 0.05}.items():
        monkeypatch.setattr(serve, name, seconds)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        monkeypatch.setenv("PREFECT_API_URL", f"http://{host}:{port}/api")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    met.append(listening.accept()[0])
                    met[-1].sendall(said)

        met: list[socket.socket] = []
        Thread(target=accept, daemon=True).start()
        with pytest.raises(UserError, match=f"^no Prefect server answers at http://{host}:{port}/"):
            serve.wait_for_server()
        listening.shutdown(socket.SHUT_RDWR)
    assert met
    for connection in met:
        connection.close()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (200, "^what answers at http://127.0.0.1:[0-9]+/api is no Prefect server: "),
        (401, "wants a password: put it into PREFECT_API_AUTH_STRING$"),
        (403, "^the server at http://127.0.0.1:[0-9]+/api answers 403 Forbidden: see that the"),
        (404, "answers 404 Not Found: see that the address is that of Prefect's API"),
    ],
)
def test_whatever_a_server_answers_is_one_message_at_once(
    status: int, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Gate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>sign in</html>")

        def do_POST(self) -> None:
            self.do_GET()

    monkeypatch.chdir(tmp_path)
    with serving(Gate) as port:
        address = f"http://127.0.0.1:{port}/api"
        monkeypatch.setenv("PREFECT_API_URL", address)
        began = time.monotonic()
        serve.wait_for_server()
        with (
            temporary_settings({PREFECT_API_URL: address}),
            pytest.raises(UserError, match=message),
        ):
            serve.check_own(anywhere=True)
        assert time.monotonic() - began < serve.STARTUP_S / 2


def test_a_server_is_asked_as_prefects_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["X-Token"])
            self.send_response(200)
            self.end_headers()

    with serving(Proxy) as port:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
        with temporary_settings({PREFECT_CLIENT_CUSTOM_HEADERS: {"X-Token": "ours"}}):
            serve.wait_for_server()
    assert asked == ["ours"]


def test_an_event_tells_of_the_version(service: Service) -> None:
    name = "gan-augment.published"
    user, word = service.word.split(":")
    with httpx.Client(base_url=f"{service.address}/api", auth=(user, word)) as http:

        def events() -> Any:
            wanted = {"filter": {"event": {"name": [name]}}}
            return http.post("/events/filter", json=wanted).json()["events"]

        (event,) = until(events, 30, service)
    assert event["resource"]["prefect.resource.id"] == "gan-augment.artifact.augmented"
    assert event["payload"]["tag"] == "augmented@v1.0.0"


def test_a_machine_that_went_down_comes_back_with_schedules_and_the_run_counts_as_crashed(
    service: Service,
) -> None:
    (service.project.root / "checkpoint").unlink()
    service.project.change("train", "steps", 11)
    service.project.commit("again")
    until(lambda: sleepers(service.project), 90, service)  # the schedule is at it
    (run,) = service.runs("nightly", "Running")
    for process in service.tree():
        with suppress(psutil.NoSuchProcess):  # children end when their parent has
            process.send_signal(signal.SIGKILL)
    service.processes[-1].wait()
    deadline = time.monotonic() + 15
    while sleepers(service.project):
        assert time.monotonic() < deadline, "the stage outlived server, worker and flow"
        time.sleep(0.2)

    service.start()
    until(lambda: service.log.count("started!") == 2, 120, service)
    (schedule,) = service.deployment("new-data").schedules
    assert schedule.active
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("30 * * * *", "UTC")
    until(lambda: service.state(run) == "Crashed", 180, service)

    def went_on() -> bool:
        done = service.runs("nightly", "Completed", "Published", "Nothing to do")
        return any(later.start_time > run.start_time for later in done)

    until(went_on, 180, service)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_serve_ends_with_all_that_it_started(service: Service, number: int) -> None:
    if service.processes[-1].poll() is not None:
        service.start()
        started = service.log.count("started!") + 1
        until(lambda: service.log.count("started!") == started, 120, service)
    tree = service.tree()
    assert len(tree) > 6
    service.processes[-1].send_signal(number)
    service.processes[-1].wait(timeout=60)
    _, alive = psutil.wait_procs(tree, timeout=30)
    assert [process.cmdline() for process in alive] == []
