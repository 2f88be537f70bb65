"""The Prefect flow, with the real Prefect and the real DVC."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import ENVIRONMENT, Run, make_project

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return make_project(folder)


def test_the_flow_rebuilds_and_then_has_nothing_to_do(run: Run, folder: Path) -> None:
    done = run(sys.executable, "-m", "gan_augment_flows.rebuild")
    printed = done.stdout + done.stderr
    for stage in ("ingest", "train", "generate", "evaluate", "report", "assemble", "classifier"):
        assert f"> gan-augment {stage}" in printed
    assert "all stages are up to date" in printed
    assert (folder / "data" / "augmented" / "README.md").exists()

    again = run(sys.executable, "-m", "gan_augment_flows.rebuild")
    printed = again.stdout + again.stderr
    assert set(re.findall(r"Running stage '(.*)'", printed)) == {"lock"}  # it looks at the code
    assert "nothing to do" in printed


def test_a_failed_stage_is_one_message_and_stops_the_flow(
    run: Run, folder: Path, params: Callable[..., None]
) -> None:
    params(folder, train={"steps": -1})
    failed = run(sys.executable, "-m", "gan_augment_flows.rebuild", fails=True)
    assert (
        "\nerror: stage 'train' failed: params.yaml: train.steps = -1: "
        "should be greater than or equal to 1\n"
    ) in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "> gan-augment generate" not in failed.stdout + failed.stderr


def test_killing_the_flow_ends_the_training_which_then_resumes(
    folder: Path, params: Callable[..., None]
) -> None:
    params(folder, train={"steps": 500_000, "eval_interval": 500_000, "checkpoint_interval": 20})
    scratch = folder / ".scratch/train"
    kept = [_killed_while_training(folder, lambda _: any(scratch.glob("*/attempt-*")))]
    kept.append(_killed_while_training(folder, lambda log: "train: resuming after step" in log))
    assert "resuming" not in kept[0]


def _killed_while_training(folder: Path, is_time: Callable[[str], bool]) -> str:
    """Kill the flow of the stage `train` when it is time; return what it had printed."""
    log = folder / ".prefect" / "train.log"
    with log.open("wb") as file:
        flow = subprocess.Popen(
            [sys.executable, "-m", "gan_augment_flows.rebuild", "train"],
            cwd=folder,
            env={**ENVIRONMENT, "PREFECT_HOME": str(folder / ".prefect")},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while not is_time(log.read_text()):
            assert flow.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert _at_work(folder, "train")
        assert _at_work(folder, "uvicorn")  # the temporary server
    finally:
        flow.kill()
        flow.wait()
    deadline = time.monotonic() + 30
    while left := _at_work(folder, "train") + _at_work(folder, "uvicorn"):
        assert time.monotonic() < deadline, f"outlived their flow: {left}"
        time.sleep(0.2)
    return log.read_text()


def _at_work(folder: Path, word: str) -> list[list[str]]:
    """Return the commands of processes that work in a folder and have an argument."""
    processes = psutil.process_iter(["cmdline", "cwd"])
    return [
        process.info["cmdline"]
        for process in processes
        if process.info["cwd"] == str(folder) and word in (process.info["cmdline"] or [])
    ]
