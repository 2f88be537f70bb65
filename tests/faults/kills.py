"""Kill a pipeline at moments of a seed, rerun it once each time, and say what came of it.

`python -m tests.faults.kills FOLDER IMAGES KILLS SEED HOW` prints a line of JSON a kill. HOW is
`forked`: `dvc repro` as `tests.faults.project` forks it; `dvc`: the command itself; or `flow`: the
Prefect flow.
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

from tests.faults import project

COMMANDS = {
    "forked": ("dvc", "repro"),
    "dvc": ("dvc", "repro"),
    "flow": (sys.executable, "-m", "gan_augment_flows.rebuild"),
}


def main() -> None:
    """Run as the command line says."""
    folder, images, kills, seed, how = sys.argv[1:]
    project.warm_up()
    root, draw = Path(folder), random.Random(int(seed))
    project.make(root, Path(images))
    project.clear(root)
    began = time.monotonic()
    assert _run(root, how) == 0, project.said(root)
    lasts, undisturbed = time.monotonic() - began, project.files(root)
    for _ in range(int(kills)):
        moment, group = lasts * draw.uniform(0.05, 0.85), draw.random() < 0.5
        print(json.dumps(_kill(root, how, moment, group, undisturbed)), flush=True)


def _kill(
    root: Path, how: str, moment: float, group: bool, undisturbed: Mapping[str, str]
) -> dict[str, Any]:
    """Start from nothing, kill, rerun once; return what differs from an undisturbed run."""
    project.clear(root)
    (root / ".log").unlink()
    child = project.start(root, *COMMANDS[how], warm=how == "forked")
    time.sleep(moment)
    (os.killpg if group else os.kill)(child, signal.SIGKILL)
    killed = project.wait(child) == -signal.SIGKILL
    if how == "flow":  # its server, which it would have ended
        with suppress(ProcessLookupError):
            time.sleep(5)
            os.killpg(child, signal.SIGKILL)
    at_work = [line for line in project.said(root).splitlines() if "Running stage" in line]
    code = _run(root, how)
    found = project.files(root)
    names = found.keys() | undisturbed.keys()
    return {
        "moment": round(moment, 2),
        "whom": "all" if group else "the first alone",
        "killed": killed,
        "stage": at_work[-1] if at_work else "",
        "code": code,
        "differs": sorted(name for name in names if found.get(name) != undisturbed.get(name)),
        "traceback": "Traceback" in project.said(root),
        "said": project.said(root) if code else "",
    }


def _run(root: Path, how: str) -> int:
    return project.wait(project.start(root, *COMMANDS[how], warm=how == "forked"))


if __name__ == "__main__":
    main()
