"""The flow under Prefect's own test harness."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import FlowRunFilter

from gan_augment.versions import half_written
from gan_augment.versions.graph import stages
from gan_augment_flows import rebuild as module
from gan_augment_flows.rebuild import as_task, rebuild, run_name
from gan_augment_flows.study import study
from tests.projects import STAGES, Project

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("prefect_server")]


def run(flow: Any, **parameters: Any) -> State[Any]:
    return flow(return_state=True, **parameters)


def task_runs(state: State[Any]) -> dict[str, str]:
    """Return the names of a flow run's task runs, in order, with those of their last states.

    The server hears of them by and by, so this waits until nothing more comes for a second.
    """
    wanted = FlowRunFilter.model_validate({"id": {"any_": [state.state_details.flow_run_id]}})
    found: dict[str, str] | None = None
    with get_client(sync_client=True) as client:
        while True:
            runs = client.read_task_runs(flow_run_filter=wanted)
            runs.sort(key=lambda task_run: task_run.start_time or task_run.expected_start_time)
            now = {task_run.name: task_run.state_name or "" for task_run in runs}
            if now == found:
                return now
            found = now
            time.sleep(1)


def flow_run_name(state: State[Any]) -> str:
    with get_client(sync_client=True) as client:
        assert state.state_details.flow_run_id
        return client.read_flow_run(state.state_details.flow_run_id).name


def test_the_tasks_are_the_stages(project: Project) -> None:
    project.hint("train", retries=7)
    tasks = {task.name: task for task in map(as_task, stages(project.root))}
    assert list(tasks) == list(STAGES)
    assert tasks["train"].retries == 7


def test_only_what_changed_runs_and_the_rest_shows_as_cached(project: Project) -> None:
    state = run(rebuild, root=project.root)
    assert state.name == "Nothing to do"
    assert task_runs(state) == dict.fromkeys(STAGES, "Cached")

    project.change("train", "steps", 3)
    state = run(rebuild, root=project.root)
    assert state.is_completed()
    # The same weights come out, so that nothing after `train` has changed.
    assert task_runs(state) == dict.fromkeys(STAGES, "Cached") | {"train": "Completed"}
    revision = project.run("git", "rev-parse", "--short", "HEAD").strip()
    assert flow_run_name(state).startswith(f"{revision}-dirty-params-")


def test_results_that_are_restored_are_shown_although_nothing_ran(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def show(root: Path, _: Any) -> None:
        shown.append((root / "reports/verdict.json").read_text())
        raise ConnectionError("no server")  # no reason to fail

    monkeypatch.setattr(module.artifacts, "show_results", show)
    for verdict in ("level", "helps"):
        project.write(verdict={"overall": {"verdict": verdict, "sentence": f"gan {verdict}."}})
        state = run(rebuild, root=project.root)
        assert (state.name, state.message) == ("Completed", "all stages are up to date")
    assert ['"level"' in each for each in shown] == [True, False]
    # The first verdict was that of the project's start, whose runs DVC still has.
    assert task_runs(state) == dict.fromkeys(STAGES, "Cached") | {
        "evaluate": "Restored",
        "assemble": "Restored",
    }


def test_an_upgrade_reruns_the_stages_whose_code_changed(project: Project) -> None:
    project.add_lock()
    state = run(rebuild, root=project.root)
    assert state.name == "Nothing to do"
    assert task_runs(state) == dict.fromkeys(("lock", *STAGES), "Cached")

    project.upgrade(train="0" * 16)
    state = run(rebuild, root=project.root)
    assert {name for name, said in task_runs(state).items() if said == "Completed"} == {
        "lock",
        "train",
    }


def test_bad_input_fails_at_once_with_its_message(project: Project) -> None:
    project.hint("train", retries=3)
    (project.root / "train.sh").write_text("echo 'error: train.steps = -1: too small'; exit 1\n")
    state = run(rebuild, root=project.root)
    assert state.is_failed()
    assert state.message == "stage 'train' failed: train.steps = -1: too small"
    assert task_runs(state) == {"ingest": "Cached", "train": "Failed"}


def test_what_can_pass_is_tried_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_DELAYS_S", [0.1, 0.1])
    project.hint("train", retries=2)
    fails = (
        "echo x >> tries; [ $(wc -l < tries) = 3 ] || { echo 'error: Connection refused'; exit 1; }"
    )
    good = (project.root / "train.sh").read_text()
    (project.root / "train.sh").write_text(f"{fails}\n{good}")
    state = run(rebuild, root=project.root)
    assert state.is_completed(), state.message
    assert len((project.root / "tries").read_text()) == 6


def test_after_the_last_try_the_message_is_that_of_the_failure(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_DELAYS_S", [0.1])
    project.hint("train", retries=1)
    (project.root / "train.sh").write_text(
        "echo x >> tries; echo 'error: Connection refused'; exit 1"
    )
    state = run(rebuild, root=project.root)
    assert state.message == "stage 'train' failed: Connection refused"
    assert len((project.root / "tries").read_text()) == 4


def test_a_stage_alone(project: Project) -> None:
    project.change("ingest", "seed", 4)
    project.change("train", "steps", 4)
    state = run(module.train, root=project.root)
    assert state.is_completed()
    assert task_runs(state) == {"train": "Completed"}
    assert run(module.train, root=project.root).name == "Cached"
    assert [
        flow.name for flow in (module.ingest, module.train, module.generate, module.evaluate)
    ] == (list(STAGES)[:4])
    assert run(module.single("trian"), root=project.root).message == "dvc.yaml has no stage 'trian'"


def test_other_params_are_an_experiment_that_leaves_the_workspace_alone(project: Project) -> None:
    project.run("git", "add", "dvc.lock")
    project.run("git", "commit", "--quiet", "--message", "built")
    before = {
        p: p.read_bytes() for p in project.root.rglob("*") if p.is_file() and "tmp" not in str(p)
    }
    state = run(rebuild, root=project.root, set={"train.steps": 5000})
    assert state.is_completed(), state.message
    assert project.run("git", "status", "--short") == ""
    assert all(
        p.read_bytes() == old
        for p, old in before.items()
        if ".dvc/" not in str(p) and ".git/" not in str(p)
    )
    listed = project.run("dvc", "exp", "list", "--name-only").split()
    assert len(listed) == 1
    params = project.run("dvc", "exp", "show", "--csv", "--only-changed")
    assert "5000" in params

    failed = run(rebuild, root=project.root, set={"train.stepz.x": 1})
    assert failed.is_failed()


def test_an_experiment_has_the_values_that_were_given(project: Project) -> None:
    said = {"ingest.path": "données\\d", "generate.plan": {"classes": {"a b": 2}}}
    project.run("git", "add", "dvc.lock")
    project.commit("built")
    state = run(rebuild, root=project.root, set=said)
    assert state.is_completed(), state.message
    (commit,) = project.run("dvc", "exp", "list", "--sha-only").split()
    params = yaml.safe_load(project.run("git", "show", f"{commit}:params.yaml"))
    assert params["ingest"]["path"] == said["ingest.path"]
    assert params["generate"]["plan"] == said["generate.plan"]
    state = run(rebuild, root=project.root, set={"ingest.path": "${x}"})
    assert state.is_failed()
    assert "experiment failed: ingest.path = '${x}': DVC cannot set that" in (state.message or "")


def test_publishing_after_a_rebuild(project: Project) -> None:
    state = run(rebuild, root=project.root, publication={})
    assert (state.name, state.message) == ("Published", "augmented@v1.0.0")
    assert task_runs(state)["publish"] == "Published"
    state = run(rebuild, root=project.root, publication={})
    assert state.name == "Nothing to do"
    assert run(module.publish_flow, root=project.root).name == "Cached"

    project.write(verdict={"overall": {"verdict": "harms"}})
    project.commit()
    state = run(rebuild, root=project.root, publication={})
    assert state.name == "Refused"
    assert state.is_completed()
    assert "'harms'" in (state.message or "")


def test_two_at_once(project: Project) -> None:
    (project.root / "train.sh").write_text(
        "touch started; until [ -e go ]; do sleep 0.05; done\n"
        + (project.root / "train.sh").read_text()
    )
    script = (
        "from pathlib import Path\n"
        "from gan_augment.versions.command import dvc\n"
        "from gan_augment.versions.lock import exclusive\n"
        "with exclusive(Path('.'), 0, print) as lock:\n"
        "    dvc(Path('.'), ['repro', '--single-item', 'train'], print, hold=[lock])\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script], cwd=project.root, stdout=subprocess.DEVNULL
    )
    while not (project.root / "started").exists():
        assert first.poll() is None
        time.sleep(0.05)
    try:
        assert "another run is at work" in (run(rebuild, root=project.root).message or "")
    finally:
        threading.Timer(2, (project.root / "go").touch).start()
    state = run(rebuild, root=project.root, wait_minutes=1)
    assert state.is_completed(), state.message
    assert first.wait() == 0
    assert project.run("dvc", "status") == "Data and pipelines are up to date.\n"


@pytest.mark.parametrize("file", half_written.KINDS)
def test_a_run_goes_on_after_dvc_was_killed_while_it_wrote(file: Path, project: Project) -> None:
    whole = (project.root / "dvc.lock").read_text()
    (project.root / file).write_text("{'schema")
    state = run(rebuild, root=project.root, update=True)
    assert state.is_completed(), state.message
    assert (project.root / "dvc.lock").read_text() == whole


def test_new_data_only(project: Project) -> None:
    project.change("train", "steps", 6)
    state = run(rebuild, root=project.root, update=True, only_new_data=True)
    assert state.name == "Nothing to do"
    assert task_runs(state) == {}
    (project.root / "data/raw/b.txt").write_text("b\n")
    state = run(rebuild, root=project.root, update=True, only_new_data=True)
    assert task_runs(state)["ingest"] == "Completed"
    assert (project.root / "data/augmented/part.txt").read_text() == "a\nb\n"
    assert project.run("dvc", "status") == "Data and pipelines are up to date.\n"


def test_a_fresh_clone_pulls_what_was_made_elsewhere(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "push", "--quiet", "--run-cache")
    project.run("git", "clone", "--quiet", str(project.git), str(tmp_path / "clone"))
    state = run(rebuild, root=tmp_path / "clone", pull=True)
    assert task_runs(state) == dict.fromkeys(STAGES, "Restored")
    assert (tmp_path / "clone/data/augmented/part.txt").read_text() == "a\n"


@pytest.mark.parametrize("flow", [rebuild, module.publish_flow, module.train, study])
def test_a_folder_that_is_no_project_is_one_message(flow: Any, tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        state = run(flow, root=root)
        assert state.is_failed()
        assert state.message.startswith(f"{root} is not the root of a DVC repository: ")
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_run_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_name().startswith("no-git-params-")
