"""A project as a user has it: a clone with its own git, DVC cache and quick params."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.environment import SETTINGS

ROOT = Path(__file__).parents[2]
QUICK = {
    "train": {"steps": 60, "width": 64, "eval_interval": 30, "checkpoint_interval": 30},
    "generate": {"gates": ["copies"]},
    "evaluate": {
        "repeats": 6,
        "arms": ["real", "smote", "placebo", "gan"],
        "classifiers": ["k-nn"],
        "tuning_repeats": 0,
    },
}
ENVIRONMENT = {**os.environ, **SETTINGS}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def copy_repository(folder: Path) -> None:
    """Copy what git has of this repository, or would have."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def runner(folder: Path) -> Run:
    """Return a runner of commands in a folder, which checks whether they fail."""
    environment = {**ENVIRONMENT, "PREFECT_HOME": str(folder / ".prefect")}

    def run(*command: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    return run


def make_project(folder: Path) -> Run:
    """Copy this repository, shrink its params, commit; return a command runner."""
    copy_repository(folder)
    set_params(folder, **QUICK)

    run = runner(folder)
    with (folder / ".gitignore").open("a") as file:
        file.write(".prefect/\n")
    run("git", "init", "--quiet", "--initial-branch", "main")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "start")
    return run


def set_params(folder: Path, **sections: dict[str, object]) -> None:
    """Change values in the project's params.yaml."""
    content = yaml.safe_load((folder / "params.yaml").read_text())
    for section, values in sections.items():
        content[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture
def params() -> Callable[..., None]:
    return set_params
