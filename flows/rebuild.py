"""Rebuild: every stage of dvc.yaml as a Prefect task, run by DVC in the order of its graph.

DVC decides whether a stage has anything to do, so Prefect caches nothing. Run with
`python -m flows.rebuild`; without a Prefect server one is started for the time of the run.
"""

import subprocess
import sys
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import FailedRun


class StageFailedError(Exception):
    """A stage ended with an error; its own message is the last line of its log."""


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
def reproduce(stage: str, root: Path) -> None:
    """Bring one stage up to date, with its output in the log of the run.

    Raises:
        StageFailedError: it failed; names the stage and the message it ended with.
    """
    logger = get_run_logger()
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    last = ""
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                logger.info(line.rstrip())
            if line.startswith("error: "):
                last = line.strip()
    if process.returncode:
        raise StageFailedError(f"stage {stage!r} failed: {last or 'see its log'}")


@flow(name="rebuild", validate_parameters=False)
def rebuild(root: Path = Path()) -> None:
    """Bring all stages up to date, in order."""
    for stage in stages(root):
        reproduce(stage, root)


def main() -> None:
    """Run the flow once; a failed stage is one message and exit code 1."""
    try:
        rebuild()
    except (StageFailedError, FailedRun) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
