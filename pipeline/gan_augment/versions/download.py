"""Pull: the files of a published version, once, into a folder that never changes."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.storage import replace_directory
from gan_augment.versions import cache, git, record, snapshot
from gan_augment.versions.clone import Clone, open_clone
from gan_augment.versions.tags import Tag, wanted

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo


@dataclass(frozen=True)
class Pulled:
    """A version that is here.

    Attributes:
        tag: which.
        path: its folder in the cache, or its file if the artifact is one; not to be changed.
        moved: bytes that were fetched from DVC's remote; 0 if all was here.
    """

    tag: Tag
    path: Path
    moved: int

    @property
    def told(self) -> str:
        """What to say of it, in a line."""
        from rich.filesize import decimal

        moved = f"{decimal(self.moved)} fetched" if self.moved else "here already, no byte moved"
        return f"{self.tag}: {moved}"


def pull(url: str, tag: str | None = None, artifact: str = "augmented") -> Path:
    """Return the folder of a published version's image table, fetched if it is not here, whole.

    What is here is found by its content, so versions share what they have in common; a tag that
    was pulled before needs no network.

    Args:
        url: a git URL, or the folder of a git repository.
        tag: `v1.2.0` or `augmented@v1.2.0`; None for the latest version.
        artifact: its name in dvc.yaml; in a larger repository where several folders have one of
            that name, with the folder: `vision/gan:augmented`.

    Raises:
        UserError: no such version, something is out of reach, or the remote lacks data or has
            damaged data, or the cache is damaged.
    """
    return fetch(url, tag, artifact).path


def fetch(url: str, tag: str | None = None, artifact: str = "augmented") -> Pulled:
    """Do what `pull` does, and also return which version it is and how much was moved."""
    clone = open_clone(url)
    found = clone.find(wanted(tag, artifact)) if tag else clone.latest(artifact)
    built = _built(clone, found)
    target = cache.folder() / "versions" / built.md5.removesuffix(".dir")
    file = target if built.md5.endswith(".dir") else target / Path(built.path).name
    moved = 0
    with locked(cache.folder() / "locks" / target.name, f"{found} is being pulled"):
        if not _is_whole(target, built):
            moved = _fetch_files(clone, found, built, target)
            if not _is_whole(target, built):
                raise UserError(f"{cache.folder()} is damaged: delete it, and pull again")
    return Pulled(found, file, moved)


def _built(clone: Clone, tag: Tag) -> record.Built:
    """Return what a version's dvc.lock says of its data."""
    declared, lock = (clone.read(tag, name) or "{}" for name in ("dvc.yaml", "dvc.lock"))
    try:
        return record.built(declared, lock, tag.name)
    except UserError as error:
        raise UserError(f"{clone.url}, {tag}: {error}") from error


def _is_whole(target: Path, built: record.Built) -> bool:
    """Return whether a folder is there, with as many files and bytes as were built.

    Who deletes old files from a cache leaves their folders.
    """
    if not target.exists():
        return False
    sizes = [file.stat().st_size for file in target.rglob("*") if file.is_file()]
    nfiles = built.nfiles if built.md5.endswith(".dir") else 1
    return nfiles in (None, len(sizes)) and built.size in (None, sum(sizes))


def _fetch_files(clone: Clone, tag: Tag, built: record.Built, target: Path) -> int:
    """Bring the files to `target` by way of DVC's store; return the bytes that were moved."""
    from dvc.exceptions import DvcException
    from dvc_data.hashfile import load
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    whole = HashInfo("md5", built.md5)
    try:
        ref = git.tag_ref(str(tag))
        with snapshot.opened(clone.folder, ref, tag.folder, _settings(clone, tag)) as repo:
            (out,) = repo.find_outs_by_path(f"{repo.root_dir.rstrip('/')}/{built.path}")
            store = repo.cache.local
            moved = _download(repo, out.remote, [whole])
            content = load(store, whole)
            files = {Path(built.path).name: whole}
            if isinstance(content, Tree):
                files = {"/".join(key): info for key, _, info in content}
                moved += _download(repo, out.remote, list(files.values()))
            _link(
                {name: Path(store.oid_to_path(info.value)) for name, info in files.items()}, target
            )
    except (DvcException, ObjectFormatError, FileNotFoundError) as error:
        raise UserError(f"{tag} of {clone.url} cannot be fetched: {error}") from error
    return moved


def _settings(clone: Clone, tag: Tag) -> dict[str, Any]:
    """Return DVC's settings: our cache as its store, and a local project's own remotes."""
    root = Path(clone.url) / tag.folder
    return {
        "cache": {"dir": str(cache.folder())},
        "core": {"site_cache_dir": str(cache.folder() / "dvc")},
        "remote": snapshot.remotes(root) if (root / ".dvc").is_dir() else {},
    }


def _download(repo: "Repo", remote: str | None, hashes: list["HashInfo"]) -> int:
    """Fetch what DVC's store lacks, check its hash, and return the number of bytes.

    Raises:
        UserError: the remote lacks it, or has other bytes.
    """
    from dvc_data.hashfile.db import get_index

    store = repo.cache.local
    missing = {info for info in hashes if not store.exists(info.value)}
    if not missing:
        return 0
    source = repo.cloud.get_remote_odb(remote, "pull")
    source.verify = True
    get_index(source).clear()  # what DVC remembers of the remote may no longer be so
    repo.cloud.pull(missing, odb=source)
    lost = [info.value for info in missing if not store.exists(info.value)]
    if lost:
        raise UserError(
            f"the DVC remote {source.fs.unstrip_protocol(source.path)} lacks, or has other bytes "
            f"of, {len(lost)} of {len(missing)} files, such as {lost[0]}: tell who published it"
        )
    return sum(Path(store.oid_to_path(info.value)).stat().st_size for info in missing)


def _link(files: Mapping[str, Path], target: Path) -> None:
    """Give stored files their names in a folder, which appears whole; they stay read-only."""
    with replace_directory(target) as partial:
        for name, stored in files.items():
            file = partial / name
            if ".." in file.parts or not file.is_relative_to(partial):
                raise UserError(f"a file outside of the version's folder: {name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(stored, file)
            except OSError:  # a file system without links
                shutil.copy(stored, file)
