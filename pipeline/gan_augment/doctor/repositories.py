"""Git and DVC: there, with a name for commits, and remotes that can be read and written."""

import platform
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gan_augment.doctor.ask import SilentError, ask, tell
from gan_augment.doctor.finding import Finding, attention, not_needed, ok
from gan_augment.errors import UserError
from gan_augment.versions import git as command
from gan_augment.versions import half_written

INSTALL_GIT = {
    "Linux": "`apt install git`, or as your system does it",
    "Darwin": "`xcode-select --install`",
}
PROBE = "refs/heads/gan-augment-doctor"
"""A branch that is never made: pushing it is only rehearsed."""


def git(root: Path) -> Iterator[Finding]:
    """Look at git, at who commits, and at the remote of the project in `root`."""
    if shutil.which("git") is None:
        how = INSTALL_GIT.get(platform.system(), "see https://git-scm.com")
        yield attention("git", f"not on the PATH: {how}", stops=True)
        return
    remotes, trouble = _remotes(root)
    version = command.line(root, "--version").removeprefix("git version ")
    try:
        command.require_identity(root)
        yield ok("git", version)
    except UserError as error:
        yield attention("git", f"{version}: {error}", stops=bool(remotes))  # publishing commits
    if trouble:
        yield attention("git remote", trouble, stops=True)
    elif remotes is None:
        yield not_needed("git remote", "anything outside a git repository")
    elif not remotes:
        said = "building; publishing wants one: `git remote add origin URL`"
        yield not_needed("git remote", said)
    for remote in remotes or []:
        yield _git_remote(root, remote)


def _remotes(root: Path) -> tuple[list[str] | None, str]:
    """Return the remotes of a git repository, None outside one; and why git does not say."""
    try:
        return command.line(root, "remote", env={"LANGUAGE": "C"}).split(), ""
    except UserError as error:
        return None, "" if "not a git repository" in str(error) else str(error)


def _git_remote(root: Path, remote: str) -> Finding:
    """Rehearse a push, which asks for the right to write, or read if there is no commit yet."""
    about = f"git remote {remote}"
    url = command.line(root, "remote", "get-url", "--push", remote)
    try:
        command.line(root, "rev-parse", "--verify", "--quiet", "HEAD")
        rehearsal = ["push", "--dry-run", "--no-verify", "--quiet", remote, f"HEAD:{PROBE}"]
    except UserError:
        rehearsal = ["ls-remote", "--quiet", remote]
    try:
        tell(["git", *rehearsal], root)
    except SilentError as error:
        why = error.lines[0].rstrip(".")  # general advice follows
        advice = f"check access and address (`git remote set-url {remote} URL`)"
        return attention(about, f"{url}: {why}: {advice}", stops=True)
    return ok(about, f"{url} takes pushes" if "push" in rehearsal else f"{url} can be read")


def dvc(root: Path) -> Iterator[Finding]:
    """Look at DVC, at the remote of the project in `root`, and at what DVC tells its makers."""
    if find_spec("dvc") is None:
        yield attention("DVC", "not installed: pip install 'gan-augment[dvc]'", stops=True)
        return
    try:
        told = ask("gan_augment.versions.remote", root)
    except SilentError as error:
        yield attention("DVC", f"does not start: {error}", stops=True)
        return
    if told["trouble"] and told["remote"] is None:
        yield attention("DVC", f"{told['version']}: {told['trouble']}", stops=True)
        return
    for file, kind in (damaged := half_written.damaged(root)).items():
        said = f"a killed run left {file} damaged, and DVC {kind.harm}: {kind.advice}"
        yield attention("DVC", f"{told['version']}: {said}", stops=True)
    if not damaged:
        yield ok("DVC", told["version"])
    yield _dvc_remote(told)
    if told["analytics"]:
        advice = "`dvc config --global core.analytics false`"
        yield attention("DVC telemetry", f"on: {advice}", stops=False)
    else:
        yield ok("DVC telemetry", "off")


def _dvc_remote(told: dict[str, Any]) -> Finding:
    name, url, trouble = told["remote"], told["url"], told["trouble"]
    if not told["project"]:
        return not_needed("DVC remote", "anything outside a DVC repository")
    if name is None:
        said = (
            "building; publishing wants one: `dvc remote add --default NAME URL`, and commit "
            ".dvc/config"
        )
        return not_needed("DVC remote", said)
    about = f"DVC remote {name}"
    if told["state"] == "absent":
        said = f"{url} is not there: the first push makes it, unless something is to be mounted"
        return attention(about, said, stops=False)
    if told["state"] != "writable":
        what = "can be read, not written" if told["state"] == "readable" else "is out of reach"
        advice = f"check access and address (`dvc remote modify {name} url URL`)"
        return attention(about, f"{url} {what}: {trouble}: {advice}", stops=True)
    return ok(about, f"{url} can be read and written")
