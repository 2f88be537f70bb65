"""The study as a flow, on real digits with tiny settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import get_client

from gan_augment_flows.study import study
from tests.projects import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["train"] |= {"steps": 20, "width": 32}
    content["generate"]["gates"] = []
    content["evaluate"] |= {"arms": ["real", "gan"], "classifiers": ["k-nn"], "tuning_repeats": 0}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def test_a_study_shows_its_table(project: Path) -> None:
    state = study(project, 6, return_state=True)
    assert state.is_completed()
    assert "95 % intervals" in (state.message or "")
    with get_client(sync_client=True) as client:
        shown = {found.key: found.data for found in client.read_latest_artifacts()}
    assert shown["study"] == (project / "reports/study/verdict.md").read_text()


def test_a_study_that_cannot_be_run_is_one_message(project: Path) -> None:
    state = study(project, 3, return_state=True)
    assert state.is_failed()
    assert "replicates = 3: at least 6" in (state.message or "")


def test_the_command_fails_with_one_message(project: Path) -> None:
    (project / "params.yaml").write_text("train: {stepz: 3}")
    done = subprocess.run(
        [sys.executable, "-m", "gan_augment_flows.study"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "train.stepz: unknown key" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
