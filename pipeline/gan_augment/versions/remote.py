"""DVC's default remote: can it be read and written? Run by itself it prints that as JSON."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from dvc.repo import Repo

MADE_BY_PUSHES = ("local", "ssh")
"""Kinds of remotes of which DVC makes the folder when it first pushes."""


def look(root: Path) -> dict[str, Any]:
    """Return what DVC is like in `root`.

    A file without content is written to the remote, and deleted.

    Returns:
        `version` of DVC; `analytics`, whether it sends any; `project`, whether `root` is in a DVC
        repository; `remote` and `url` of its default remote, None without one; `state` of that:
        "writable", "readable", "absent", if the first push makes it, or "unreachable"; and the
        `trouble` with it, or with DVC's settings, in the words of whoever refused.
    """
    from dvc import __version__
    from dvc.analytics import is_enabled
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    told = {"version": __version__, "analytics": False, "project": True}
    told |= {"remote": None, "url": None, "state": "unreachable", "trouble": ""}
    try:
        told["analytics"] = is_enabled()
        with Repo(str(root)) as repo:
            told["remote"] = repo.config["core"].get("remote")
            if told["remote"] is not None:
                told["url"] = repo.config["remote"].get(told["remote"], {}).get("url")
                told["state"], told["trouble"] = _state(repo)
    except NotDvcRepoError:
        told["project"] = False
    except DvcException as error:
        told["trouble"] = _in_one_line(error)
    return told


def _state(repo: "Repo") -> tuple[str, str]:
    """Return the state of the default remote and the trouble with it."""
    state = "unreachable"
    try:
        remote = repo.cloud.get_remote()
        files, place = remote.fs, remote.path
        there = files.exists(place)
        if not there and files.protocol in MADE_BY_PUSHES and _can_be_made(place, files.protocol):
            return "absent", ""
        state = "readable" if there else state
        probe = files.join(place, f"gan-augment-doctor-{uuid4().hex}")
        files.pipe_file(probe, b"")
        files.remove(probe)
    except Exception as error:  # each kind of remote has its own
        return state, _in_one_line(error)
    return "writable", ""


def _can_be_made(place: str, protocol: str) -> bool:
    """Return whether a folder can be made, as far as that can be seen without making it."""
    above = next(folder for folder in Path(place).parents if folder.exists())
    return protocol != "local" or (above.is_dir() and os.access(above, os.W_OK))


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    print(json.dumps(look(Path())))
