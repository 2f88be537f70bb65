"""Rebuild: every stage of dvc.yaml as a Prefect task, run by DVC in the order of its graph.

DVC decides whether a stage has anything to do, so Prefect caches nothing. Stages run one after the
other, in the main thread: DVC's locks leave little to overlap, and a task in a thread could not be
cancelled. Run with `python -m gan_augment_flows.rebuild [STAGE]`; without a Prefect server one is
started for the time of the run.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import prefect.runtime
from prefect import Flow, Task, flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State, StateType
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed, Failed

from gan_augment.errors import UserError
from gan_augment.storage import digest
from gan_augment.versions import graph, source
from gan_augment.versions.command import Outcome, dvc
from gan_augment.versions.graph import Stage
from gan_augment.versions.lock import exclusive
from gan_augment.versions.overrides import overrides
from gan_augment.versions.publish import Publication, Refused, publish
from gan_augment_flows import artifacts, password, server
from gan_augment_flows.whole import as_a_whole

RETRY_DELAYS_S = [10.0, 60.0, 300.0]
PASSING = "Unavailable"
"""Name of the state of a task that failed from what may pass."""


def run_name() -> str:
    """Return the name of the present run: git revision and digest of the params."""
    given = prefect.runtime.flow_run.get_parameters()
    root, overrides = Path(given.get("root") or "."), given.get("set") or {}
    described = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    params = root / "params.yaml"
    content = params.read_bytes() if params.exists() else b""
    overridden = json.dumps(overrides, sort_keys=True, default=str)
    return f"{described or 'no-git'}-params-{digest(content, overridden)[:8]}"


def may_pass(_: Task[..., Any], __: TaskRun, state: State[Any]) -> bool:
    """Tell Prefect whether trying a task again makes sense."""
    return state.name == PASSING


def failed(what: str, outcome: Outcome) -> State[Any]:
    """Return the state of a failure: one message, where an exception would add its traceback."""
    name = PASSING if outcome.passes else None
    return State(type=StateType.FAILED, name=name, message=f"{what} failed: {outcome.reason}")


def cached(stage: str) -> State[Any]:
    """Return the state of a stage that had nothing to do."""
    message = f"stage {stage!r} is up to date"
    return State(type=StateType.COMPLETED, name="Cached", message=message)


def restored(stage: str) -> State[Any]:
    """Return the state of a stage of which DVC has found what an earlier run made."""
    message = f"stage {stage!r} is as an earlier run made it"
    return State(type=StateType.COMPLETED, name="Restored", message=message)


def reproduce(
    stage: Stage, root: Path, is_changed: bool, hold: Sequence[int], pull: bool = False
) -> State[Any]:
    """Bring one stage up to date, with its output in the log of the run.

    Args:
        stage: which.
        root: folder of dvc.yaml.
        is_changed: whether DVC has to look at it.
        hold: file descriptors to keep open while the stage runs.
        pull: whether to fetch outputs that the run-cache knows from DVC's remote.
    """
    if not is_changed:
        return cached(stage.name)
    logger = get_run_logger()
    bar = artifacts.Progress(stage.name, logger.warning)

    def on_line(line: str) -> None:
        logger.info(line)
        bar.read(line)

    limit = stage.hints.time_limit_minutes
    command = ["repro", "--single-item", stage.name, *(["--pull"] if pull else [])]
    outcome = dvc(root, command, on_line, None if limit is None else 60 * limit, hold)
    if outcome.code:
        return failed(f"stage {stage.name!r}", outcome)
    ran, noted = (
        any(line.startswith(sign) for line in outcome.printed)
        for sign in ("Running stage", ("Updating lock file", "Generating lock file"))
    )
    if ran and (noted or not stage.always):  # what runs always may have done nothing
        return Completed(message=f"stage {stage.name!r} is rebuilt")
    return restored(stage.name) if noted else cached(stage.name)


def as_task(stage: Stage) -> Task[..., State[Any]]:
    """Return the Prefect task of a stage, under its name and with its hints."""
    make = task(
        name=stage.name,
        task_run_name=stage.name,
        description=stage.description,
        retries=stage.hints.retries,
        retry_delay_seconds=RETRY_DELAYS_S,
        retry_condition_fn=may_pass,
        cache_policy=NO_CACHE,
    )
    return make(reproduce)


@flow(name="rebuild", flow_run_name=run_name)
def rebuild(
    root: Path = Path(),
    set: dict[str, Any] | None = None,
    publication: Publication | None = None,
    update: bool = False,
    only_new_data: bool = False,
    pull: bool = False,
    wait_minutes: float = 0,
) -> State[Any]:
    """Bring all stages up to date, in order, stop at the first that fails; then publish.

    Args:
        root: folder of dvc.yaml.
        set: params to try instead of those of params.yaml, e.g. {"train.steps": 5000}: all stages
            run as one DVC experiment, in a folder of its own, and nothing is published.
        publication: how to publish the result as a version; None does not.
        update: look for new data at the sources of imported data first.
        only_new_data: end at once if no tracked source data changed.
        pull: fetch what the run-cache knows from DVC's remote instead of making it again: for
            workers that start from a fresh clone.
        wait_minutes: how long to wait for another run in the same folder; 0 refuses at once.
    """

    def work(lock: int) -> State[Any]:
        if update:
            source.update(root, get_run_logger().info, [lock])
        if only_new_data and not graph.source_changed(root):
            return nothing_to_do()
        if set:
            return try_values(root, set, [lock], return_state=True)
        return _bring_up_to_date(root, publication, lock, pull)

    return alone(root, wait_minutes, work)


def alone(root: Path, wait_minutes: float, work: Callable[[int], State[Any]]) -> State[Any]:
    """Work in a checkout while no other run does; return how that ended as the state of the flow.

    Args:
        root: folder of dvc.yaml.
        wait_minutes: how long to wait for another run.
        work: takes the descriptor of the lock, to be held by the processes that it starts.
    """
    try:
        with exclusive(root, 60 * wait_minutes, get_run_logger().warning) as lock:
            state = work(lock)
    except UserError as error:
        return Failed(message=str(error))
    return State(type=state.type, name=state.name, message=state.message)


def _bring_up_to_date(
    root: Path, publication: Publication | None, lock: int, pull: bool
) -> State[Any]:
    states: list[State[Any]] = []
    if pull:
        outcome = dvc(root, ["fetch", "--run-cache"], get_run_logger().info, hold=[lock])
        if outcome.code:
            return failed("dvc fetch --run-cache", outcome)
    todo = graph.changed(root)
    for stage in graph.stages(root):
        is_changed = stage.always or stage.name in todo
        state = as_task(stage)(stage, root, is_changed, [lock], pull, return_state=True)
        if not state.is_completed():
            return Failed(message=state.message)
        if stage.always and state.name != "Cached":
            todo = graph.changed(root)
        states.append(state)
    idle = all(state.name == "Cached" for state in states)
    if not idle:
        with artifacts.inessential("all results", get_run_logger().warning):
            artifacts.show_results(root, publication or Publication())
    if publication is None:
        return nothing_to_do() if idle else Completed(message="all stages are up to date")
    published = publish_version(root, publication, [lock], return_state=True)
    if published.name == "Cached":
        return nothing_to_do() if idle else Completed(message=published.message)
    return published


def nothing_to_do() -> State[Any]:
    """Return the state of a run that found everything as it should be."""
    message = "nothing to do: all stages are up to date"
    return State(type=StateType.COMPLETED, name="Nothing to do", message=message)


@task(name="experiment", task_run_name="experiment", cache_policy=NO_CACHE)
def try_values(root: Path, values: dict[str, Any], hold: Sequence[int]) -> State[Any]:
    """Run all stages with other params as a DVC experiment; the workspace stays as it is."""
    command = ["exp", "run", "--temp"]
    try:
        for key, value in values.items():
            for change in overrides(key, value):
                command += ["--set-param", change]
    except UserError as error:
        return failed("experiment", Outcome(1, str(error), []))
    outcome = dvc(root, command, get_run_logger().info, hold=hold)
    if outcome.code:
        return failed("experiment", outcome)
    return Completed(message="see `dvc exp show` for the result")


@task(
    name="publish",
    task_run_name="publish",
    retries=len(RETRY_DELAYS_S),
    retry_delay_seconds=RETRY_DELAYS_S,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def publish_version(root: Path, publication: Publication, hold: Sequence[int]) -> State[Any]:
    """Publish what was built as a version, or say why not."""
    try:
        release = publish(root, publication, get_run_logger().info, hold)
    except Refused as refused:
        artifacts.announce("refused", publication.artifact, {"reasons": refused.reasons})
        return State(type=StateType.COMPLETED, name="Refused", message=str(refused))
    except UserError as error:
        return failed("publishing", Outcome(1, str(error), []))
    if not release.is_new:
        return State(
            type=StateType.COMPLETED, name="Cached", message=f"{release.tag} is this already"
        )
    artifacts.announce("published", publication.artifact, {"tag": release.tag, **release.record})
    return State(type=StateType.COMPLETED, name="Published", message=release.tag)


@flow(name="publish", flow_run_name=run_name)
def publish_flow(
    root: Path = Path(), publication: Publication | None = None, wait_minutes: float = 0
) -> State[Any]:
    """Publish what is built, without rebuilding; parameters as those of `rebuild`."""

    def work(lock: int) -> State[Any]:
        return publish_version(root, publication or Publication(), [lock], return_state=True)

    return alone(root, wait_minutes, work)


def single(name: str) -> Flow[..., State[Any]]:
    """Return a flow of one stage alone, which takes what its predecessors left as it is."""

    @flow(name=name, flow_run_name=run_name, description=f"Stage {name!r} alone.")
    def one(root: Path = Path(), wait_minutes: float = 0) -> State[Any]:
        def work(lock: int) -> State[Any]:
            found = {stage.name: stage for stage in graph.stages(root)}
            if name not in found:
                return Failed(message=f"dvc.yaml has no stage {name!r}")
            is_changed = name in graph.changed(root)
            run = as_task(found[name])
            return run(found[name], root, is_changed, [lock], return_state=True)

        return alone(root, wait_minutes, work)

    return one


ingest, embed, train, generate, evaluate = map(
    single, ("ingest", "embed", "train", "generate", "evaluate")
)


def main() -> None:
    """Run the flow, or that of one stage, once; a failure is one message and exit code 1."""
    run_once(single(sys.argv[1]) if sys.argv[1:] else rebuild)


def run_once(run: Flow[..., State[Any]]) -> None:
    """Run a flow with its defaults; a failure is one message and exit code 1."""
    try:
        server.check()
    except UserError as error:
        sys.exit(f"error: {error}")
    with password.of_this_run():
        state = run(return_state=True)
    if not state.is_completed():
        sys.exit(f"error: {state.message}")


if __name__ == "__main__":
    as_a_whole("gan_augment_flows.rebuild", main)
