"""What DVC and Prefect cost on top of the stages themselves.

    python -m benchmarks.orchestration --runs 3

Every round makes three fresh clones of this repository and runs all stages in each: by their bare
commands, by `dvc repro`, and by the flow with a Prefect server running; then the last two again,
with nothing to do. Times are of the whole command, from its start to its end, and compared within
a round: other work on the machine slows all. What orchestration adds does not depend on how long
stages take, so they are kept short: `--full` runs them with the shipped params.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pandas as pd
import yaml

from benchmarks import script
from gan_augment.versions.graph import stages
from gan_augment_flows.serve import wait_for_server

ROOT = Path(__file__).parents[1]
SHORT = {
    "train": {"steps": 60, "width": 64, "eval_interval": 30, "checkpoint_interval": 30},
    "generate": {"gates": ["copies"]},
    "evaluate": {
        "repeats": 6,
        "arms": ["real", "smote", "placebo", "gan"],
        "classifiers": ["k-nn"],
    },
}


class Round(NamedTuple):
    """Seconds that each way took."""

    bare: float
    dvc: float
    flow: float
    idle_dvc: float
    idle_flow: float


def clone(folder: Path, full: bool) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    if not full:
        params = yaml.safe_load((folder / "params.yaml").read_text())
        for section, values in SHORT.items():
            params[section] |= values
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


def seconds(folder: Path, *commands: list[str]) -> float:
    began = time.perf_counter()
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


def measure(folder: Path, full: bool) -> Round:
    bare, dvc, flow = (clone(folder / name, full) for name in ("bare", "dvc", "flow"))
    repro, rebuild = ["dvc", "repro"], [sys.executable, "-m", "gan_augment_flows.rebuild"]
    commands = [["gan-augment", stage.name] for stage in stages(bare)]
    return Round(
        seconds(bare, *commands),
        seconds(dvc, repro),
        seconds(flow, rebuild),
        seconds(dvc, repro),
        seconds(flow, rebuild),
    )


@contextlib.contextmanager
def server(home: Path) -> Iterator[None]:
    """Run a Prefect server on a free port and have flows use it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            wait_for_server()
            yield
        finally:
            process.terminate()


def report(rounds: list[Round]) -> str:
    ways = {
        "bare stage commands": [r.bare for r in rounds],
        "`dvc repro`": [r.dvc for r in rounds],
        "the flow": [r.flow for r in rounds],
        "`dvc repro`, nothing to do": [r.idle_dvc for r in rounds],
        "the flow, nothing to do": [r.idle_flow for r in rounds],
    }
    goals = (
        ("the flow adds to `dvc repro`", median(r.flow - r.dvc for r in rounds), 10),
        ("the flow with nothing to do", median(r.idle_flow for r in rounds), 10),
        ("`dvc repro` with nothing to do", median(r.idle_dvc for r in rounds), 3),
    )
    times = [
        {"way": way, "median, s": f"{median(t):.1f}", "least, s": f"{min(t):.1f}"}
        for way, t in ways.items()
    ]
    judged = [
        {
            "goal": words,
            "wanted": f"< {most} s",
            "reached": f"{value:.1f} s",
            "met": "yes" if value < most else "no",
        }
        for words, value, most in goals
    ]
    added = median(r.dvc - r.bare for r in rounds)
    return f"""\
{pd.DataFrame(times).to_markdown(index=False)}

`dvc repro` adds {added:.1f} s to the bare commands.

{pd.DataFrame(judged).to_markdown(index=False)}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="rounds")
    parser.add_argument("--full", action="store_true", help="run the shipped params")
    options = parser.parse_args()
    os.environ.update(DVC_NO_ANALYTICS="1", DO_NOT_TRACK="1")
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "prefect"):
        rounds = []
        for number in range(options.runs):
            (Path(folder) / str(number)).mkdir()
            rounds.append(measure(Path(folder) / str(number), options.full))
            print(rounds[-1], file=sys.stderr, flush=True)
        print(report(rounds))


if __name__ == "__main__":
    script.run(main)
