"""Two processes of a stage in one folder, and a stage whose `dvc` is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gan_augment import alone
from tests.conftest import CommandLine

WORK = """
import sys, time
from pathlib import Path
from gan_augment.alone import at_work
with at_work(sys.argv[1]):
    print("at work", flush=True)
    while not Path("done").exists():
        time.sleep(0.02)
print("ended", flush=True)
"""
DVC = """
import os, subprocess, sys
environment = {**os.environ, "DVC_STAGE": "train"}
subprocess.run(["sh", "-c", f"{sys.argv[1]}; true"], env=environment)
"""


def start(folder: Path, stage: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORK, stage],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line(process: "subprocess.Popen[str]", stream: str = "stdout") -> str:
    return str(getattr(process, stream).readline().strip())


def test_the_second_waits_and_says_for_whom(tmp_path: Path) -> None:
    with start(tmp_path, "train") as first:
        assert line(first) == "at work"
        with start(tmp_path, "train") as second:
            said = line(second, "stderr")
            assert f"another `gan-augment train` is at work in {tmp_path} (process " in said
            assert f"(process {first.pid} on " in said
            assert said.endswith("waiting for it to end")
            (tmp_path / "done").touch()
            assert line(first) == "ended"
            assert (line(second), line(second)) == ("at work", "ended")


def test_a_killed_one_keeps_nobody_waiting(tmp_path: Path) -> None:
    with start(tmp_path, "train") as first:
        assert line(first) == "at work"
        first.kill()
    with start(tmp_path, "train") as second:
        assert line(second) == "at work"
        second.kill()


def test_other_stages_other_folders_and_other_ranks_do_not_wait(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    running = [
        start(tmp_path, "train", RANK="0"),
        start(tmp_path, "train", RANK="1"),
        start(tmp_path, "ingest"),
        start(tmp_path / "other", "train"),
    ]
    try:
        assert [line(process) for process in running] == ["at work"] * 4
    finally:
        for process in running:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("before", ["", "trap '' INT; "])
def test_a_stage_ends_with_its_dvc_though_the_shell_stays(tmp_path: Path, before: str) -> None:
    """Interrupts are ignored where dvc runs in the background of a script."""
    command = f"{before}{sys.executable} -c '{WORK}' train"
    with subprocess.Popen(
        [sys.executable, "-c", DVC, command], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as dvc:
        assert line(dvc) == "at work"
        below = psutil.Process(dvc.pid).children(recursive=True)
        assert len(below) == 2
        began = time.monotonic()
        dvc.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(below, timeout=alone.PATIENCE_S / 2)
        assert alive == []
        assert time.monotonic() - began < alone.PATIENCE_S / 2
    with start(tmp_path, "train") as later:
        assert line(later) == "at work"
        later.kill()


def test_two_trainings_in_one_folder_lose_nothing(cli: CommandLine, tmp_path: Path) -> None:
    quick = {"steps": 40, "width": 64, "eval_interval": 20, "checkpoint_interval": 20}
    assert cli("ingest", train=quick)[0] == 0
    command = [sys.executable, "-m", "gan_augment.cli", "train"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = "".join(process.communicate()[1] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said.count("another `gan-augment train` is at work in") == 1
    samples = sorted(file.name for file in (tmp_path / "reports/training/samples").iterdir())
    assert samples == ["step-000020.png", "step-000040.png"]
