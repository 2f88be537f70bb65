"""Publish: make what was built a version that consumers pull by its tag.

A version is a tag such as `augmented@v1.2.0`, as GTO writes them and `dvc artifacts get` reads
them, on a commit of the branch `published`. The commit holds the tree of HEAD and the dvc.lock of
the build, both as they were when publishing began, and a record of verdict and metrics; it is made
without touching the checkout. The order is

1. gate: has the dataset earned it?
2. `dvc push`: the data and the run-cache go to the remote,
3. commit, in this repository only,
4. verify: everything that the commit names is fetched from the remote into an empty cache,
5. tag, in this repository only: the artifact, and those whose `meta` in dvc.yaml says that they are
   published with it, all with one number,
6. `git push --atomic`: branch and tags appear together.

Consumers see nothing before the last step, and then everything. A run that was killed leaves at
most data that no version names yet and a tag that nobody else has; a rerun completes it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gan_augment import schema
from gan_augment.errors import UserError
from gan_augment.project import code
from gan_augment.storage import as_json, scratch_directory
from gan_augment.versions import cache, checkout, gate, git, graph, record, snapshot, tags
from gan_augment.versions.command import dvc
from gan_augment.versions.tags import Tag

TRIES = 3
"""How often to publish anew after somebody else was faster."""
CODE = ".py"
NEEDED = ("dvc.yaml", "params.yaml")
"""What a version cannot be without."""


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


def publication(**settings: str | None) -> Publication:
    """Return settings that were given on the command line.

    Raises:
        UserError: a value that is not allowed.
    """
    try:
        return Publication.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UserError(f"--{option} = {first['input']!r}: {first['msg'].lower()}") from None


@dataclass(frozen=True)
class Release:
    """A version: its tag, what is on record about it, and whether it was published just now."""

    tag: str
    record: dict[str, Any]
    is_new: bool


@dataclass(frozen=True)
class Build:
    """What was built, and from what.

    Attributes:
        commit: HEAD.
        files: name, from the top of the repository, and content of dvc.lock and of other files that
            tools write and that differ from HEAD; None for one that is gone.
    """

    commit: str
    files: Mapping[str, bytes | None]


class Refused(Exception):  # noqa: N818  # a refusal is an outcome, not an error
    """The gate lets nothing pass.

    Attributes:
        reasons: why, one sentence each.
        final: whether no override would let it pass.
    """

    def __init__(self, reasons: Sequence[str], *, final: bool) -> None:
        super().__init__("not published: " + "; ".join(reasons))
        self.reasons, self.final = list(reasons), final


class OvertakenError(UserError):
    """Somebody else published between the look at the remote and the push to it."""


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
    cache.require_dvc()
    _full_name(root, publication.artifact)
    build = _build(root)
    _check_workspace(root)
    about = record.describe(root, publication.artifact, publication.override)
    published = [of["path"] for of in (about["data"], *about["with"].values())]
    _require_earned(root, publication.override, published)
    if _build(root) != build:
        raise UserError("a commit was made, or stages ran, while publishing began: publish again")
    push_data(root, on_line, hold)  # of the last version, too: the remote may have lost it
    for attempt in range(1, TRIES + 1):
        last = latest(root, publication)
        if last and all(last.record.get(key, {}) == about[key] for key in ("data", "with")):
            return last
        commit = make_commit(root, publication, build, about)
        verify(root, commit, published)
        on_line("the remote has everything that the version names")
        made = make_tags(root, publication, commit, about)
        try:
            push_version(root, publication, made)
            break
        except OvertakenError as overtaken:
            if attempt == TRIES:
                raise
            on_line(f"{overtaken}; trying again")
    on_line(f"published {' and '.join(made)}")
    return Release(made[0], about, is_new=True)


def _require_earned(root: Path, override: str | None, published: Sequence[str]) -> None:
    """Raise `Refused` if the gate does not let the artifacts at some paths pass."""
    if reasons := gate.refusals(root, override, published):
        raise Refused(reasons, final=bool(override or gate.refusals(root, "asked", published)))


def latest(root: Path, publication: Publication) -> Release | None:
    """Return the highest version that the git remote has, None if it has none.

    Raises:
        UserError: the remote is out of reach.
    """
    versions = _versions(root, publication)
    if not versions:
        return None
    tag = str(versions[-1])
    ref = git.tag_ref(tag)
    git.run(root, "fetch", "--quiet", "--no-tags", publication.git_remote, f"+{ref}:{ref}")
    try:
        place = f"{tag}:{git.prefix(root)}{record.path(publication.artifact)}"
        return Release(tag, record.parse(git.run(root, "show", place), tag), is_new=False)
    except UserError:
        return Release(tag, {}, is_new=False)  # a version that somebody tagged by hand


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
    from dvc_data.hashfile.db import get_index
    from dvc_data.hashfile.tree import Tree

    with checkout.opened(root, "dvc push") as repo:
        files: dict[str | None, list[Any]] = defaultdict(list)
        for out in repo.index.outs:
            found = out.get_obj() if out.use_cache and out.can_push else None
            if isinstance(found, Tree):
                files[out.remote] += [file for _, _, file in found]
        for remote, hashes in files.items():
            get_index(repo.cloud.get_remote_odb(remote, "push")).clear()
            repo.cloud.push(hashes, remote=remote)


def make_commit(root: Path, publication: Publication, build: Build, about: dict[str, Any]) -> str:
    """Commit what was built, as git and DVC know it, and the record; return the commit's hash.

    The commit follows the last published one and that of the build. Neither the checkout, nor its
    index, nor any branch changes.
    """
    folder, files = git.prefix(root), dict(build.files)
    records = {name: record.of_shared(about, name) for name in about["with"]}
    for name, content in {publication.artifact: about, **records}.items():
        files[folder + record.path(name)] = as_json(content).encode()
    tip = git.remote_branch(root, publication.git_remote, publication.branch)
    message = f"Publish {publication.artifact}: {about['verdict']}"
    if publication.override:
        message += f"\n\nThe verdict was overridden: {publication.override}"
    parents = [parent for parent in (tip, build.commit) if parent]
    return git.commit(root, build.commit, files, parents, message)


def verify(root: Path, commit: str, published: Sequence[str]) -> None:
    """Fetch everything that a commit names from DVC's remote into an empty cache, checking hashes.

    Args:
        root: the checkout.
        commit: of a version.
        published: paths of artifacts, from the project's folder, that it must name.

    Raises:
        UserError: something is missing there, or differs.
    """
    from dvc.exceptions import DvcException
    from dvc_objects.errors import ObjectFormatError

    with scratch_directory(root.resolve() / ".dvc/tmp/verify") as empty:
        try:
            present = snapshot.remotes(root)
            config = {
                "cache": {"dir": str(empty / "cache")},
                "core": {"site_cache_dir": str(empty / "site")},
                "remote": {name: {**present[name], "verify": True} for name in present},
            }
            with snapshot.opened(_top(root), commit, git.prefix(root), config) as repo:
                for path in published:
                    repo.find_outs_by_path(f"{repo.root_dir.rstrip('/')}/{path}")
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


def make_tags(
    root: Path, publication: Publication, commit: str, about: dict[str, Any]
) -> list[str]:
    """Tag a commit as the next version, in this repository only; return the names of its tags.

    The first is that of the artifact, and those follow whose versions are the same.

    Raises:
        UserError: somebody made a tag of that name by hand, or gto failed.
    """
    versions = _versions(root, publication)
    number = _next(versions[-1].version if versions else None, publication.bump)
    names = [_full_name(root, name) for name in (publication.artifact, *about["with"])]
    return [_make_tag(root, publication, commit, about, Tag(name, number)) for name in names]


def _make_tag(
    root: Path, publication: Publication, commit: str, about: dict[str, Any], version: Tag
) -> str:
    """Make one tag; one that the remote does not have is left from a killed run, and replaced."""
    from gto.api import register
    from gto.exceptions import GTOException

    tag, ref = str(version), git.tag_ref(str(version))
    if git.line(root, "tag", "--list", tag):
        place = git.prefix(root) + record.path(publication.artifact)
        if not git.run(root, "ls-tree", "--full-tree", f"{ref}^{{tree}}", place):
            raise UserError(f"the tag {tag} exists here, was made by other hands, and not pushed")
        git.run(root, "tag", "--delete", tag)
    message = f"{tag}: {about['verdict']}"
    message += f"; synthetic images by {about['synthetic'] or 'none'}"
    if publication.override:
        message += f"; the verdict was overridden: {publication.override}"
    try:
        register(str(_top(root)), version.artifact, commit, version.number, message, force=True)
    except GTOException as error:
        raise UserError(f"gto register {tag}: {error}") from error
    return tag


def push_version(root: Path, publication: Publication, names: Sequence[str]) -> None:
    """Push the tags of a version, and the branch up to them: all or nothing.

    Raises:
        OvertakenError: somebody else published meanwhile.
        UserError: the remote is out of reach, or takes no push.
    """
    refs, remote = [git.tag_ref(name) for name in names], publication.git_remote
    commit = f"{refs[0]}^{{commit}}"
    branch = f"{commit}:refs/heads/{publication.branch}"
    try:
        git.run(root, "push", "--quiet", "--atomic", remote, branch, *refs)
    except UserError as error:
        tip = git.remote_branch(root, remote, publication.branch)
        taken = set(names) & set(git.remote_tags(root, remote))
        if taken or (tip and not git.follows(root, commit, tip)):
            raise OvertakenError(f"somebody else published to {remote} meanwhile") from error
        raise


def _check_workspace(root: Path) -> None:
    """Refuse what is not committed or not built, and who cannot commit.

    In a larger repository, changes elsewhere are no reason, unless a stage depends on them.
    """
    git.require_identity(root)
    top = _top(root).resolve()
    outside = [path for path in graph.outside(root) if Path(path).is_relative_to(top)]
    changed = [name for name in _changed_files(root, *outside) if not _is_written(name)]
    if unknown := [name for name in _new_files(root) if name.endswith(CODE)]:
        raise UserError(
            f"{', '.join(unknown)}: not in git, so that the version would lack code that may have "
            "made it; commit or ignore"
        )
    known = git.names(root, "ls-files", "-z", "--", *NEEDED)
    if lacking := [name for name in NEEDED if name not in known and (root / name).exists()]:
        raise UserError(f"{', '.join(lacking)}: not in git, so the version would lack it; commit")
    if changed:
        raise UserError(
            f"{', '.join(changed)} differ from the last commit: a version must name the code and "
            "params that made it; commit them, rebuild, publish again"
        )
    stale = graph.changed(root)
    if (root / code.FILE).exists():
        stale |= set(code.outdated(root))
    if stale:
        raise UserError(f"not up to date: {', '.join(sorted(stale))}; run `dvc repro` first")


def _build(root: Path) -> Build:
    commit, top = git.line(root, "rev-parse", "HEAD"), _top(root)
    names = [name for name in [*_changed_files(root), *_new_files(root)] if _is_written(name)]
    paths = {name: top / name for name in [*names, f"{git.prefix(root)}dvc.lock"]}
    return Build(commit, {n: p.read_bytes() if p.exists() else None for n, p in paths.items()})


def _changed_files(root: Path, *outside: str) -> list[str]:
    """Return the tracked files that differ from HEAD, from the top of the repository.

    Args:
        root: the project; files elsewhere do not count,
        *outside: but for these.
    """
    return git.names(root, "diff", "--name-only", "-z", "--no-renames", "HEAD", "--", ".", *outside)


def _new_files(root: Path) -> list[str]:
    """Return the project's files that git neither knows nor ignores, from the repository's top."""
    return git.names(root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z")


def _is_written(name: str) -> bool:
    """Return whether it is DVC or `gan-augment lock` that writes a file, not a person."""
    written = ("dvc.lock", code.FILE.name, schema.FILE.name)
    return Path(name).name in written or name.endswith(".dvc")


def _top(root: Path) -> Path:
    return Path(git.line(root, "rev-parse", "--show-toplevel"))


def _full_name(root: Path, artifact: str) -> str:
    """Return an artifact's name with the project's folder, as GTO writes it.

    Raises:
        UserError: no tag can have that name.
    """
    from gto.constants import fullname_re

    folder = git.prefix(root).rstrip("/")
    name = f"{folder}:{artifact}" if folder else artifact
    if not fullname_re.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be part of a version's tag, which GTO makes of the project's folder "
            "and the artifact's name: use ASCII letters, digits, '-', '_', '.' and '/' only"
        )
    return name


def _versions(root: Path, publication: Publication) -> list[Tag]:
    """Return the versions that the git remote has, lowest first."""
    artifact = _full_name(root, publication.artifact)
    published = tags.parse_all(git.remote_tags(root, publication.git_remote))
    return [tag for tag in published if tag.artifact == artifact]


def _next(version: tuple[int, int, int] | None, bump: str) -> tuple[int, int, int]:
    if version is None:
        return 1, 0, 0
    major, minor, patch = version
    raised = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0)}
    return raised.get(bump, (major, minor, patch + 1))
