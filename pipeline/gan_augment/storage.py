"""Outputs that appear whole or not at all: write beside the target, then rename."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from gan_augment.errors import UserError
from gan_augment.lock import is_at


@contextmanager
def replace_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target` that takes its place if the block succeeds.

    If the block raises, `target` is as it was. A crash between the two renames is mended by the
    next call. Where `target` is a link, what it leads to is replaced, and it stays.

    Raises:
        UserError: the disk is full or the place cannot be written.
    """
    with _readable_os_errors(target):
        if target.is_symlink():
            target = Path(os.path.realpath(target))
        partial, old = _beside(target, "partial"), _beside(target, "old")
        target.parent.mkdir(parents=True, exist_ok=True)
        _settle(target, partial, old)
        partial.mkdir()
        try:
            yield partial
            if target.exists():
                target.rename(old)
            partial.rename(target)
        finally:
            _settle(target, partial, old)


@contextmanager
def scratch_directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory beside `target`, for what is only needed to make it; then delete it.

    What a killed run left there is deleted first. Of the folders above, those that had to be made
    go too if nothing came into them.

    Raises:
        UserError: the disk is full or the place cannot be written.
    """
    scratch = _beside(target, "scratch.partial")
    with _readable_os_errors(target):
        _delete(scratch)
        made = [parent for parent in scratch.parents if not parent.exists()]
        scratch.mkdir(parents=True)
        try:
            yield scratch
        finally:
            _delete(scratch)
            with suppress(OSError):
                for parent in made:
                    parent.rmdir()


def delete_directory(folder: Path) -> None:
    """Delete a folder, as far as that goes, so that no part of it is ever found under its name.

    It is renamed first. A killed process may leave that: see `sweep_deleted`.
    """
    gone = _beside(folder, "deleted")
    _delete(gone)
    with suppress(OSError):
        folder.rename(gone)
    _delete(gone)


def sweep_deleted(parent: Path, names: str = "*") -> None:
    """Delete folders, so named, that killed processes were deleting in `parent`."""
    for left in parent.glob(f".{names}.deleted"):
        _delete(left)


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` whose file, empty at first, takes its place in the end.

    If the block raises, `target` is as it was. Other processes that write it meanwhile wait. Where
    `target` is a link, it is replaced itself: DVC's may lead into its cache.

    Raises:
        UserError: the disk is full or the place cannot be written.
    """
    partial = _beside(target, "partial")
    with _readable_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _only_writer(partial):
            yield partial
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(target)


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with replace_file(target) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(target: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    write_text(target, as_json(value))


def as_json(value: Any) -> str:
    """Return `value` as indented JSON; NaN is refused, since JSON has none."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: it is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the stage that makes it (`dvc repro`)") from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is not valid JSON ({error}): delete it and run `dvc repro`"
        ) from None


def read_record(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that has at least these keys.

    Raises:
        UserError: it is missing, is not JSON, is no object or lacks a key.
    """
    record = read_json(path)
    if not isinstance(record, dict) or (missing := [key for key in keys if key not in record]):
        what = "is no JSON object" if not isinstance(record, dict) else f"has no {missing[0]!r}"
        raise UserError(f"{path} {what}: damaged, or of another version; run `dvc repro`")
    return record


def cache_directory() -> Path:
    """Return where copies of what is elsewhere are kept: GAN_AUGMENT_CACHE, or the user's cache."""
    chosen = os.environ.get("GAN_AUGMENT_CACHE")
    return Path(chosen or user_cache_dir("gan-augment")).expanduser().absolute()


def digest(*parts: str | bytes | Path) -> str:
    """Return the SHA-256 over texts, bytes and file contents in order, as 16 hex digits."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part
        content = content.encode() if isinstance(content, str) else content
        total.update(len(content).to_bytes(8, "little"))
        total.update(content)
    return total.hexdigest()[:16]


def fingerprint(*parts: str | bytes | Path) -> str:
    """Return what names results of these inputs and settings that a later run may take over.

    A digest of theirs, of this package's code, and of the version of torch: an upgrade of either
    between the two makes others.
    """
    return digest(*parts, _code())


@cache
def _code() -> str:
    modules = sorted(Path(__file__).parent.rglob("*.py"))
    return digest(version("torch"), *modules)


def _settle(target: Path, partial: Path, old: Path) -> None:
    """Put back what was moved away for nothing; delete what is left."""
    if old.exists() and not target.exists():
        old.rename(target)
    _delete(partial)
    _delete(old)


def _delete(path: Path) -> None:
    """Delete a folder, a link or a file, if it is there and as far as that goes."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _beside(target: Path, kind: str) -> Path:
    return target.with_name(f".{target.name}.{kind}")


@contextmanager
def _only_writer(partial: Path) -> Iterator[None]:
    """Keep other processes from a file, empty at first, that is deleted unless it is renamed."""
    while True:
        with partial.open("ab") as file:
            with suppress(OSError):  # of a file system without locks: nobody is kept from it
                fcntl.flock(file, fcntl.LOCK_EX)
            if is_at(file.fileno(), partial):
                file.truncate(0)  # of what a killed process left
                try:
                    yield
                finally:
                    if is_at(file.fileno(), partial):  # the name may be another process's by now
                        partial.unlink()
                return


@contextmanager
def _readable_os_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.strerror is None:
            raise
        place = error.filename or target
        raise UserError(f"cannot write {target}: {error.strerror} ({place})") from error
