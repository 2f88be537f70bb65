"""Rebuild: every stage of dvc.yaml as a Prefect task, run by DVC in the order of its graph.

DVC decides whether a stage has anything to do, so Prefect caches nothing. Run with
`python -m flows.rebuild`; without a Prefect server one is started for the time of the run.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.states import Completed, Failed


def stages(root: Path) -> list[str]:
    """Return the names of the stages of dvc.yaml below `root`, each after those it depends on."""
    import networkx
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        # An edge points from a stage to what it depends on.
        order = networkx.lexicographical_topological_sort(
            repo.index.graph.reverse(), key=lambda stage: stage.addressing
        )
        return [stage.name for stage in order if hasattr(stage, "name")]


@task(task_run_name="{stage}", cache_policy=NO_CACHE)
def reproduce(stage: str, root: Path) -> State[Any]:
    """Bring one stage up to date, with its output in the log of the run.

    Returns:
        Completed, or Failed with the message that the stage ended with: a state says it in one
        line where an exception would add its traceback.
    """
    logger = get_run_logger()
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    reason = "see its log"
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                logger.info(line.rstrip())
            if line.startswith("error: "):
                reason = line.removeprefix("error: ").strip()
    if process.returncode:
        return Failed(message=f"stage {stage!r} failed: {reason}")
    return Completed(message=f"stage {stage!r} is up to date")


@flow(name="rebuild")
def rebuild(root: Path = Path()) -> State[Any]:
    """Bring all stages up to date, in order, and stop at the first that fails."""
    for stage in stages(root):
        state = reproduce(stage, root, return_state=True)
        if not state.is_completed():
            return Failed(message=state.message)
    return Completed(message="all stages are up to date")


def main() -> None:
    """Run the flow once; a failed stage is one message and exit code 1."""
    state = rebuild(return_state=True)
    if not state.is_completed():
        print(f"error: {state.message}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
