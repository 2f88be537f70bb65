"""Write a pulled version where its user wants it, as a table or in another form."""

import filecmp
import shutil
from pathlib import Path

from gan_augment.errors import UserError, choose
from gan_augment.export import FORMATS, export
from gan_augment.storage import replace_directory


def unpack(source: Path, target: Path, form: str) -> None:
    """Write a pulled version to a folder; what an earlier call wrote there stays as it is.

    Args:
        source: what was pulled.
        target: a folder, new, empty, or left by the same call.
        form: `parquet`, or a key of `export.FORMATS`.

    Raises:
        UserError: no such form, the folder holds something else, or it cannot be written.
    """
    choose({"parquet": None, **FORMATS}, form, "--format")
    if form == "parquet":
        _copy(source, target)
    else:
        export(source, target, form)


def _copy(source: Path, target: Path) -> None:
    files = [file.relative_to(source) for file in source.rglob("*") if file.is_file()]
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        if not _holds(target, source, files):
            raise UserError(f"{target} holds something else: choose another --out, or delete it")
        return
    with replace_directory(target) as partial:
        for file in files:
            (partial / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, partial / file)  # the user's own: writable


def _holds(target: Path, source: Path, files: list[Path]) -> bool:
    there = {file.relative_to(target) for file in target.rglob("*") if file.is_file()}
    return there == set(files) and all(
        filecmp.cmp(source / file, target / file, shallow=False) for file in files
    )
