"""A command of ours in a folder that is mounted read-only: permissions do not stop root."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from tests.faults import project

NEW_NAMESPACE = 0x00020000
"""Linux: mounts of this process and those that it starts are their own (`CLONE_NEWNS`)."""


def mounts() -> bool:
    """Return whether this user may mount."""
    child = os.fork()
    if not child:
        os._exit(ctypes.CDLL(None).unshare(NEW_NAMESPACE) != 0)
    return project.wait(child) == 0


def run(folder: Path, *command: str, only: str = ".") -> tuple[int, str]:
    """Run a command in a folder of which a part is read-only: its exit code, and what it prints.

    Args:
        folder: where.
        command: arguments of `gan-augment`.
        only: the part, all of it by default.
    """
    log = folder.with_name(f"{folder.name}.log")
    child = os.fork()
    if not child:
        sys.stdout = sys.stderr = printed = log.open("w")  # pytest has put its own there
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
        _mount(folder / only)
        os.chdir(folder)
        project.become(("gan-augment", *command))
    return project.wait(child), log.read_text()


def _mount(part: Path) -> None:
    """Make a part of the file system read-only, for this process alone."""
    if ctypes.CDLL(None).unshare(NEW_NAMESPACE):
        sys.exit("no mounts of its own")
    for options in (
        ["--make-rprivate", "/"],
        ["--bind", part, part],
        ["-o", "remount,bind,ro", part],
    ):
        subprocess.run(["mount", *options], check=True)
