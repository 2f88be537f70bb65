"""What commands that tests start find in their environment, and git as it is run there."""

import os
import subprocess
import sys
from pathlib import Path

from gan_augment.engine import SHARE

QUICKLY = {
    # Work fans out to nowhere: workers take longer to start than tests have work for them.
    SHARE: "1",
    "PYTHONPATH": f"{Path(__file__).with_name('quickly')}{os.pathsep}"
    f"{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
}
"""By which a small pipeline takes no longer than it must, in tests and in what they start."""
SETTINGS = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    **QUICKLY,
}


def git(root: Path, *arguments: str) -> str:
    """Return what `git ARGUMENTS` prints in a folder; it has to succeed."""
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout
