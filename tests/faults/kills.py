"""Kill a pipeline at moments of a seed, rerun it once in the end, and say what came of it.

`python -m tests.faults.kills FOLDER IMAGES ROUNDS KILLS SEED HOW` prints a line of JSON a round.
In each the pipeline starts from nothing, is killed, started again and killed, so many times in a
row, and then runs to its end. HOW is `forked`: `dvc repro` as `tests.faults.project` forks it;
`dvc`: the command itself; or `flow`: the Prefect flow.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gan_augment.versions import half_written
from tests.faults import project

COMMANDS = {
    "forked": ("dvc", "repro"),
    "dvc": ("dvc", "repro"),
    "flow": (sys.executable, "-m", "gan_augment_flows.rebuild"),
}


def main() -> None:
    """Run as the command line says."""
    folder, images, rounds, kills, seed, how = sys.argv[1:]
    project.warm_up()
    root, draw = Path(folder), random.Random(int(seed))
    project.make(root, Path(images))
    project.clear(root)
    began = time.monotonic()
    assert _run(root, how) == 0, project.said(root)
    lasts, undisturbed = time.monotonic() - began, project.files(root)
    for _ in range(int(rounds)):
        project.clear(root)
        (root / ".log").unlink()
        done = [_kill(root, how, draw, lasts / int(kills)) for _ in range(int(kills))]
        print(json.dumps({"kills": done, **_rerun(root, how, undisturbed)}), flush=True)


def _kill(root: Path, how: str, draw: random.Random, within: float) -> dict[str, Any]:
    """Start what is left to do, and kill it within so many seconds."""
    moment, group = within * draw.uniform(0.05, 0.95), draw.random() < 0.5
    child = project.start(root, *COMMANDS[how], warm=how == "forked")
    time.sleep(moment)
    (os.killpg if group else os.kill)(child, signal.SIGKILL)
    killed = project.wait(child) == -signal.SIGKILL
    if how == "flow":  # its server, which it would have ended
        with suppress(ProcessLookupError):
            time.sleep(5)
            os.killpg(child, signal.SIGKILL)
    at_work = [line for line in project.said(root).splitlines() if "Running stage" in line]
    return {
        "moment": round(moment, 2),
        "whom": "all" if group else "the first alone",
        "killed": killed,
        "stage": at_work[-1] if at_work else "",
    }


def _rerun(root: Path, how: str, undisturbed: Mapping[str, str]) -> dict[str, Any]:
    """Run once; return what differs from an undisturbed run.

    If DVC was killed while it wrote its record or its lock file, that is mended first, as `doctor`
    advises; the flow does so itself.
    """
    if how != "flow":
        half_written.mend(root)
    code = _run(root, how)
    found = project.files(root)
    names = found.keys() | undisturbed.keys()
    return {
        "code": code,
        "differs": sorted(name for name in names if found.get(name) != undisturbed.get(name)),
        "traceback": "Traceback" in project.said(root),
        "said": project.said(root) if code else "",
    }


def _run(root: Path, how: str) -> int:
    return project.wait(project.start(root, *COMMANDS[how], warm=how == "forked"))


if __name__ == "__main__":
    main()
