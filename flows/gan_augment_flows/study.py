"""The study as a flow: is the verdict the same with other splits and other generators?

It changes neither what DVC tracks nor what is published. Run with
`python -m gan_augment_flows.study`.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.states import Completed

from gan_augment.storage import read_json
from gan_augment.versions.command import gan_augment
from gan_augment_flows.artifacts import inessential
from gan_augment_flows.rebuild import alone, failed, run_name, run_once
from gan_augment_flows.whole import as_a_whole

RESULTS = Path("reports/study")


@task(name="replicates", task_run_name="replicates", cache_policy=NO_CACHE)
def run_replicates(root: Path, replicates: int, hold: Sequence[int]) -> State[Any]:
    """Run `gan-augment study`, with its output in the log of the run, and show its table."""
    arguments = ["study", "--replicates", str(replicates), "--out", str(RESULTS)]
    outcome = gan_augment(root, arguments, get_run_logger().info, hold)
    if outcome.code:
        return failed("the study", outcome)
    table = (root / RESULTS / "verdict.md").read_text()
    with inessential("the study", get_run_logger().warning):
        create_markdown_artifact(table, key="study", description="Study")
    return Completed(message=read_json(root / RESULTS / "verdict.json")["overall"]["sentence"])


@flow(name="study", flow_run_name=run_name)
def study(root: Path = Path(), replicates: int = 6, wait_minutes: float = 0) -> State[Any]:
    """Run everything from other seeds, and reach a verdict over all of it.

    Args:
        root: folder of dvc.yaml.
        replicates: how often, at least 6.
        wait_minutes: how long to wait for another run in the same folder; 0 refuses at once.
    """

    def work(lock: int) -> State[Any]:
        return run_replicates(root, replicates, [lock], return_state=True)

    return alone(root, wait_minutes, work)


if __name__ == "__main__":
    as_a_whole("gan_augment_flows.study", partial(run_once, study))
