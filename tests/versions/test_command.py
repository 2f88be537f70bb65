from collections.abc import Callable

import pytest

from gan_augment.versions import supervisor
from gan_augment.versions.command import Outcome, dvc
from tests.projects import Project


@pytest.mark.parametrize(
    "message",
    [
        "Unable to acquire lock. Most likely another DVC process is running",
        "failed to push data to the cloud - 3 files failed to upload",
        "Temporary failure in name resolution",
        "[Errno 111] Connection refused",
        "git push: ssh: connect to host x port 22: Connection timed out",
        "fatal: unable to access 'https://x/y/': Could not resolve host: x",
        "fatal: unable to access 'https://x/y/': The requested URL returned error: 503",
        "fatal: unable to access 'https://x/y/': The requested URL returned error: 429",
        "fatal: the remote end hung up unexpectedly",
    ],
)
def test_what_can_pass(message: str) -> None:
    assert Outcome(255, message, []).passes
    assert not Outcome(supervisor.TIMED_OUT, message, []).passes


@pytest.mark.parametrize(
    "message",
    [
        *("params.yaml: train.steps = -1: should be greater than or equal to 1", "see its log", ""),
        "fatal: unable to access 'https://x/y/': The requested URL returned error: 403",
    ],
)
def test_what_cannot(message: str) -> None:
    assert not Outcome(255, message, []).passes


def test_lines_hold_no_passwords(
    project: Project, lines: list[str], on_line: Callable[[str], None]
) -> None:
    (project.root / "train.sh").write_text(
        "echo 'error: no https://me:SECRET@host/x' >&2; exit 1\n"
    )
    outcome = dvc(project.root, ["repro", "--single-item", "train"], on_line)
    assert outcome.reason == "no https://host/x"
    assert not [line for line in [*lines, *outcome.printed] if "SECRET" in line]


def test_the_reason_is_the_stages_own_message(
    project: Project, lines: list[str], on_line: Callable[[str], None]
) -> None:
    (project.root / "train.sh").write_text("echo 'error: no good' >&2; exit 1\n")
    outcome = dvc(project.root, ["repro", "--single-item", "train"], on_line)
    assert outcome.code
    assert outcome.reason == "no good"
    assert "Running stage 'train':" in lines


def test_without_one_it_is_that_of_dvc(project: Project, on_line: Callable[[str], None]) -> None:
    (project.root / "train.sh").write_text("exit 1\n")
    outcome = dvc(project.root, ["repro", "--single-item", "train"], on_line)
    assert outcome.reason.startswith("failed to reproduce 'train'")
    assert not outcome.passes


def test_a_time_limit_is_told(project: Project, on_line: Callable[[str], None]) -> None:
    (project.root / "train.sh").write_text("sleep 60\n")
    outcome = dvc(project.root, ["repro", "--single-item", "train"], on_line, time_limit_s=6)
    assert outcome.code == supervisor.TIMED_OUT
    assert outcome.reason == "stopped after its time limit of 0.1 min"
