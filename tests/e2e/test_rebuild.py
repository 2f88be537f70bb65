"""The Prefect flow, with the real Prefect and the real DVC."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, make_project

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return make_project(folder)


def test_the_flow_rebuilds_and_then_has_nothing_to_do(run: Run, folder: Path) -> None:
    done = run(sys.executable, "-m", "flows.rebuild")
    printed = done.stdout + done.stderr
    for stage in ("ingest", "train", "generate", "evaluate", "assemble"):
        assert f"> gan-augment {stage}" in printed
    assert "all stages are up to date" in printed
    assert (folder / "data" / "augmented" / "README.md").exists()

    again = run(sys.executable, "-m", "flows.rebuild")
    assert "Running stage" not in again.stdout + again.stderr
    assert "nothing to do" in again.stdout + again.stderr


def test_a_failed_stage_is_one_message_and_stops_the_flow(
    run: Run, folder: Path, params: Callable[..., None]
) -> None:
    params(folder, train={"steps": -1})
    failed = run(sys.executable, "-m", "flows.rebuild", fails=True)
    assert (
        "\nerror: stage 'train' failed: params.yaml: train.steps = -1: "
        "should be greater than or equal to 1\n"
    ) in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "> gan-augment generate" not in failed.stdout + failed.stderr
