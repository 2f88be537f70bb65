"""Publish: make what was built a version that consumers pull by its tag.

A version is a tag such as `augmented@v1.2.0`, as GTO writes them and `dvc artifacts get` reads
them, on a commit of the branch `published`. The commit holds the tree of HEAD, the dvc.lock of the
build, and a record of verdict and metrics; it is made without touching the checkout. The order is

1. gate: has the dataset earned it?
2. `dvc push`: the data and the run-cache go to the remote,
3. commit, in this repository only,
4. verify: everything that the commit names is fetched from the remote into an empty cache,
5. tag, in this repository only,
6. `git push --atomic`: branch and tag appear together.

Consumers see nothing before the last step, and then everything. A run that was killed leaves at
most data that no version names yet and a tag that nobody else has; a rerun completes it.
"""

import json
import os
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from gan_augment.errors import UserError, hint
from gan_augment.storage import read_json, scratch_directory
from gan_augment.versions import gate, graph
from gan_augment.versions.command import dvc

METRICS = Path("reports/metrics.json")


class Publication(BaseModel):
    """How to publish.

    Attributes:
        artifact: name of an artifact that dvc.yaml declares.
        bump: part of the version number that goes up.
        branch: of the git remote, where the commits of all versions go.
        git_remote: name of the git remote.
        override: why to publish although the verdict does not suffice; recorded with the version.
    """

    model_config = ConfigDict(extra="forbid")

    artifact: str = "augmented"
    bump: Literal["major", "minor", "patch"] = "minor"
    branch: str = "published"
    git_remote: str = "origin"
    override: str | None = None

    @property
    def record(self) -> str:
        """Path, in the published commit, of what is on record about the version."""
        return f"published/{self.artifact}.json"


@dataclass(frozen=True)
class Release:
    """A version: its tag, what is on record about it, and whether it was published just now."""

    tag: str
    record: dict[str, Any]
    is_new: bool


class Refused(Exception):  # noqa: N818  # a refusal is an outcome, not an error
    """The gate lets nothing pass.

    Attributes:
        reasons: why, one sentence each.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("not published: " + "; ".join(reasons))
        self.reasons = list(reasons)


def publish(
    root: Path,
    publication: Publication,
    on_line: Callable[[str], None] = print,
    hold: Sequence[int] = (),
) -> Release:
    """Publish the dataset that is built in `root`, unless that is the last version already.

    Args:
        root: the checkout; a git and DVC repository with remotes.
        publication: how.
        on_line: takes what there is to log.
        hold: file descriptors to keep open in child processes, such as a lock's.

    Raises:
        Refused: the gate does not let it pass.
        UserError: something is not committed or not built, a remote is out of reach, or does not
            have what was pushed.
    """
    _check_workspace(root)
    reasons = gate.refusals(root, publication.override)
    if reasons:
        raise Refused(reasons)
    record = describe(root, publication)
    previous = latest(root, publication)
    if previous and previous.record.get("data") == record["data"]:
        return previous
    push_data(root, on_line, hold)
    commit = make_commit(root, publication, record)
    verify(root, commit)
    on_line("the remote has everything that the version names")
    tag = make_tag(root, publication, commit, record)
    push_version(root, publication, tag)
    on_line(f"published {tag}")
    return Release(tag, record, is_new=True)


def latest(root: Path, publication: Publication) -> Release | None:
    """Return the highest version that the git remote has, None if it has none.

    Raises:
        UserError: the remote is out of reach.
    """
    versions = _versions(_remote_tags(root, publication), publication)
    if not versions:
        return None
    tag = versions[max(versions)]
    _git(root, "fetch", "--quiet", "--no-tags", publication.git_remote, f"+{_ref(tag)}:{_ref(tag)}")
    try:
        record = json.loads(_git(root, "show", f"{tag}:{publication.record}"))
    except UserError:
        record = {}  # a version that somebody tagged by hand
    return Release(tag, record, is_new=False)


def describe(root: Path, publication: Publication) -> dict[str, Any]:
    """Return what goes on record: hash, verdict, method, metrics, and an override's reason.

    Raises:
        UserError: dvc.yaml declares no such artifact, or it is not built.
    """
    declared = yaml.safe_load((root / "dvc.yaml").read_text()).get("artifacts") or {}
    if publication.artifact not in declared:
        raise UserError(
            f"publication.artifact = {publication.artifact!r}: not among the artifacts of "
            f"dvc.yaml; {hint(publication.artifact, declared)}"
        )
    path = declared[publication.artifact]["path"]
    locked = yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
    built = {out["path"]: out["md5"] for stage in locked for out in stage.get("outs", [])}
    if path not in built:
        raise UserError(f"{path} is not in dvc.lock: run `dvc repro`")
    verdict = read_json(root / gate.VERDICT)["overall"]
    decision = gate.decision(root)
    return {
        "data": {"path": path, "md5": built[path]},
        "verdict": verdict["verdict"],
        "sentence": verdict.get("sentence", ""),
        "synthetic": None if decision.refusals else decision.method,
        "override": publication.override,
        "metrics": read_json(root / METRICS) if (root / METRICS).exists() else {},
    }


def push_data(root: Path, on_line: Callable[[str], None], hold: Sequence[int] = ()) -> None:
    """Push data and run-cache to DVC's remote.

    Raises:
        UserError: it failed.
    """
    outcome = dvc(root, ["push", "--run-cache"], on_line, hold=hold)
    if outcome.code:
        raise UserError(f"dvc push: {outcome.reason}")
    _push_lost_files(root)


def _push_lost_files(root: Path) -> None:
    """Push files that the remote has lost: DVC asks for a directory's listing there, no further."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.hashfile.db import get_index
    from dvc_data.hashfile.tree import Tree

    with Repo(str(root)) as repo:
        files: dict[str | None, list[Any]] = defaultdict(list)
        for out in repo.index.outs:
            found = out.get_obj() if out.use_cache and out.can_push else None
            if isinstance(found, Tree):
                files[out.remote] += [file for _, _, file in found]
        try:
            for remote, hashes in files.items():
                get_index(repo.cloud.get_remote_odb(remote, "push")).clear()
                repo.cloud.push(hashes, remote=remote)
        except DvcException as error:
            raise UserError(f"dvc push: {error}") from error


def make_commit(root: Path, publication: Publication, record: dict[str, Any]) -> str:
    """Commit HEAD's tree with the present dvc.lock, .dvc files and the record; return its hash.

    The commit follows the last published one and HEAD. Neither the checkout, nor its index, nor any
    branch changes.
    """
    files = {"dvc.lock": (root / "dvc.lock").read_bytes()}
    files |= {name: (root / name).read_bytes() for name in _changed_files(root) if _is_dvc(name)}
    files[publication.record] = (json.dumps(record, indent=2) + "\n").encode()
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(root, "read-tree", "HEAD", env=index)
        for name, content in files.items():
            blob = _git(root, "hash-object", "-w", "--stdin", stdin=content)
            entry = f"100644,{blob},{name}"
            _git(root, "update-index", "--add", "--cacheinfo", entry, env=index)
        tree = _git(root, "write-tree", env=index)
    tip = _remote_branch(root, publication)
    parents = [arg for parent in (tip, "HEAD") if parent for arg in ("-p", parent)]
    message = f"Publish {publication.artifact}: {record['verdict']}"
    if publication.override:
        message += f"\n\nThe verdict was overridden: {publication.override}"
    return _git(root, "commit-tree", tree, *parents, "-m", message)


def verify(root: Path, commit: str) -> None:
    """Fetch everything that a commit names from DVC's remote into an empty cache, checking hashes.

    Raises:
        UserError: something is missing there, or differs.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_objects.errors import ObjectFormatError

    with scratch_directory(root.resolve() / ".dvc/tmp/verify") as empty:
        config: dict[str, Any] = {
            "cache": {"dir": str(empty / "cache")},
            "core": {"site_cache_dir": str(empty / "site")},
        }
        try:
            with Repo(str(root)) as present:
                remotes = present.config["remote"]
                config["remote"] = {name: {**remotes[name], "verify": True} for name in remotes}
                with Repo(str(root), rev=commit, scm=present.scm, config=config) as repo:
                    repo.fetch()  # for some missing files it only logs a warning
                    outs = [out for out in repo.index.outs if out.use_cache and out.can_push]
                    missing = [out.def_path for out in outs if out.changed_cache()]
        except (DvcException, ObjectFormatError) as error:
            raise UserError(
                f"cannot read back what was pushed, nothing is published: {error}"
            ) from error
    if missing:
        raise UserError(
            f"the remote lacks, or has other bytes of, {', '.join(missing)}: nothing is published; "
            "if publishing again does not help, delete the damaged files from the remote"
        )


def make_tag(root: Path, publication: Publication, commit: str, record: dict[str, Any]) -> str:
    """Tag a commit as the next version, in this repository only; return the tag's name.

    A tag of this number that the remote does not have is left from a killed run, and replaced.

    Raises:
        UserError: somebody made a tag of that name by hand, or gto failed.
    """
    from gto.api import register
    from gto.exceptions import GTOException

    versions = _versions(_remote_tags(root, publication), publication)
    version = _next(max(versions, default=None), publication.bump)
    tag = f"{publication.artifact}@{version}"
    if _git(root, "tag", "--list", tag):
        if not _git(root, "ls-tree", tag, publication.record):
            raise UserError(f"the tag {tag} exists here, was made by other hands, and not pushed")
        _git(root, "tag", "--delete", tag)
    message = f"{tag}: {record['verdict']}"
    message += f"; synthetic images by {record['synthetic'] or 'none'}"
    if publication.override:
        message += f"; the verdict was overridden: {publication.override}"
    try:
        register(str(root), publication.artifact, commit, version, message, force=True)
    except GTOException as error:
        raise UserError(f"gto register {tag}: {error}") from error
    return tag


def push_version(root: Path, publication: Publication, tag: str) -> None:
    """Push the tag, and the branch up to it: both or neither.

    Raises:
        UserError: the remote is out of reach, or somebody else published meanwhile.
    """
    branch = f"{tag}^{{commit}}:refs/heads/{publication.branch}"
    _git(root, "push", "--quiet", "--atomic", publication.git_remote, branch, _ref(tag))


def _check_workspace(root: Path) -> None:
    changed = [name for name in _changed_files(root) if not _is_dvc(name)]
    if changed:
        raise UserError(
            f"{', '.join(changed)} differ from the last commit: a version must name the code and "
            "params that made it; commit them, rebuild, publish again"
        )
    stale = graph.changed(root)
    if stale:
        raise UserError(f"not up to date: {', '.join(sorted(stale))}; run `dvc repro` first")


def _changed_files(root: Path) -> list[str]:
    """Return the tracked files that differ from HEAD, relative to the top of the repository."""
    return _git(root, "diff", "--name-only", "HEAD").splitlines()


def _is_dvc(name: str) -> bool:
    return name == "dvc.lock" or name.endswith(".dvc")


def _ref(tag: str) -> str:
    return f"refs/tags/{tag}"


def _remote_tags(root: Path, publication: Publication) -> list[str]:
    listed = _git(root, "ls-remote", "--refs", "--tags", publication.git_remote)
    return [line.split("refs/tags/", 1)[1] for line in listed.splitlines()]


def _remote_branch(root: Path, publication: Publication) -> str | None:
    """Return the commit at the tip of the published branch, fetched; None if there is no branch."""
    ref = f"refs/heads/{publication.branch}"
    listed = _git(root, "ls-remote", publication.git_remote, ref)
    if not listed:
        return None
    _git(root, "fetch", "--quiet", "--no-tags", publication.git_remote, ref)
    return listed.split()[0]


Version = tuple[int, int, int]


def _versions(tags: Sequence[str], publication: Publication) -> dict[Version, str]:
    pattern = re.compile(rf"{re.escape(publication.artifact)}@v(\d+)\.(\d+)\.(\d+)")
    matches = ((tag, pattern.fullmatch(tag)) for tag in tags)
    return {(int(m[1]), int(m[2]), int(m[3])): tag for tag, m in matches if m}


def _next(version: Version | None, bump: str) -> str:
    if version is None:
        return "v1.0.0"
    major, minor, patch = version
    raised = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0)}
    return "v" + ".".join(map(str, raised.get(bump, (major, minor, patch + 1))))


def _git(
    root: Path, *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None
) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        input=stdin,
        capture_output=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(env or {})},
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise UserError(f"git {arguments[0]}: {said or 'failed'}")
    return done.stdout.decode(errors="replace").strip()
