"""SIGKILL at random moments: whatever died, one rerun gives the bytes of an undisturbed run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import SETTINGS

ROOT = Path(__file__).parents[2]
SOAK = "GAN_AUGMENT_SOAK"
"""Environment variable: how many kills, of the commands themselves; set by `make soak`."""
KILLS = int(os.environ.get(SOAK, "10"))
IN_A_ROW = 1 if SOAK in os.environ else 2
"""Kills before the rerun: two take less time than two of one each."""
COMMANDS = ("dvc", "flow") if SOAK in os.environ else ("forked",)
SECONDS = 300
"""A kill and a rerun take less, by far."""


@pytest.mark.e2e
@pytest.mark.parametrize("how", COMMANDS)
def test_killed_at_any_moment_one_rerun_gives_the_same_bytes(
    tmp_path: Path, images: Path, how: str
) -> None:
    """A stage computes in one process: workers would import all anew, each time."""
    environment = {
        **os.environ,
        **SETTINGS,
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "TMPDIR": str(tmp_path),
        "LOKY_MAX_CPU_COUNT": "1",
        "OMP_NUM_THREADS": "1",
    }
    rounds = KILLS // len(COMMANDS) // IN_A_ROW
    command = [sys.executable, "-m", "tests.faults.kills", str(tmp_path / "project"), str(images)]
    done = subprocess.run(
        [*command, str(rounds), str(IN_A_ROW), "0", how],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS * (1 + rounds),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == rounds
    assert [each for each in found if each["code"] or each["differs"] or each["traceback"]] == []
    kills = [kill for each in found for kill in each["kills"]]
    assert sum(kill["killed"] for kill in kills) * 2 >= len(kills)
