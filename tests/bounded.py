"""Statements that a process of its own runs, in little memory."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.environment import SETTINGS

RUNNER = """
import json, os, resource, sys
from pathlib import Path

context = {}
exec(Path("first.py").read_text(), context)
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
for name, statement in json.loads(Path("cases.json").read_text()).items():
    if os.fork():
        os.wait()
        continue
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    try:
        exec(statement, context)
        said = "done"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    Path(name).with_suffix(".said").write_text(said)
    os._exit(0)
"""


def said(here: Path, first: str, statements: Mapping[str, str], room: int) -> Callable[[str], str]:
    """Run statements in a folder; return what gives, by name, the error of each, or `done`.

    Args:
        here: the folder.
        first: Python that imports what is needed, and has it import what it needs.
        statements: by name.
        room: bytes that each may take beyond what is there then.
    """
    (here / "first.py").write_text(first)
    (here / "cases.json").write_text(json.dumps(statements))
    environment = {**SETTINGS, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", RUNNER, str(room)]
    subprocess.run(command, cwd=here, env=environment, check=True, timeout=300)
    return lambda name: (here / name).with_suffix(".said").read_text()
