"""A command of ours in a folder that is mounted read-only: permissions do not stop root."""

import ctypes
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.faults import project

NEW_NAMESPACE = 0x00020000
"""Linux: mounts of this process and those that it starts are their own (`CLONE_NEWNS`)."""
FRESH = multiprocessing.get_context("forkserver")
"""Forks a process that has run nothing: forks of this one may wait for threads that it had."""
FRESH.set_forkserver_preload(["tests.faults.warm"])


def mounts() -> bool:
    """Return whether this user may mount."""
    asked = FRESH.Process(target=own_mounts)
    asked.start()
    asked.join()
    return asked.exitcode == 0


def run(folder: Path, *command: str, only: str = ".") -> tuple[int | None, str]:
    """Run a command in a folder of which a part is read-only: its exit code, and what it prints.

    Args:
        folder: where.
        command: arguments of `gan-augment`.
        only: the part, all of it by default.
    """
    log = folder.with_name(f"{folder.name}.log")
    child = FRESH.Process(target=_run, args=(folder, command, only, log, dict(os.environ)))
    child.start()
    child.join()
    return child.exitcode, log.read_text()


def _run(
    folder: Path, command: tuple[str, ...], only: str, log: Path, env: Mapping[str, str]
) -> None:
    os.environ.clear()
    os.environ.update(env)
    sys.stdout = sys.stderr = printed = log.open("w")
    for stream in (1, 2):
        os.dup2(printed.fileno(), stream)
    own_mounts()
    _mount(folder / only)
    os.chdir(folder)
    project.become(("gan-augment", *command))


def own_mounts() -> None:
    """Let what this process mounts be seen by it alone; ends it where that is not allowed."""
    if ctypes.CDLL(None).unshare(NEW_NAMESPACE):
        sys.exit("no mounts of its own")


def _mount(part: Path) -> None:
    """Make a part of the file system read-only, for this process alone."""
    for options in (
        ["--make-rprivate", "/"],
        ["--bind", part, part],
        ["-o", "remount,bind,ro", part],
    ):
        subprocess.run(["mount", *options], check=True)
