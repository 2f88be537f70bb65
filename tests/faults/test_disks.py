"""Disks that are full and places that cannot be written: one message, and nothing old is lost."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CommandLine, refusal
from tests.faults.conftest import made, sections

ROOM = 8192
"""Bytes: more than settings and messages take, less than any output."""
OUTPUTS = {
    "ingest": "--real",
    "embed": "--features",
    "train": "--model",
    "generate": "--synthetic",
    "evaluate": "--reports",
    "assemble": "--augmented",
    "classifier": "--model",
}


@contextmanager
def full_disk() -> Iterator[None]:
    """Fail writes as a full disk does, by a limit on the size of files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fails(cli: CommandLine, root: Path, images: Path, *command: str) -> str:
    """Return the one message of a command, which leaves all that was there."""
    before = made(root)
    said = refusal(cli(*command, **sections(images)))
    assert made(root) == before
    return said


@pytest.mark.parametrize("stage", [*OUTPUTS, "report"])
def test_a_full_disk_is_one_message(
    built: Path, images: Path, tmp_path: Path, cli: CommandLine, stage: str
) -> None:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    with full_disk():
        said = fails(cli, tmp_path, images, stage)
    assert "file too large" in said.lower()


@pytest.mark.parametrize("stage", OUTPUTS)
def test_a_place_that_cannot_be_written_is_one_message(
    built: Path, images: Path, tmp_path: Path, cli: CommandLine, stage: str
) -> None:
    """A file is where a folder should be, which stops root, too."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    (tmp_path / "blocked").touch()
    said = fails(cli, tmp_path, images, stage, OUTPUTS[stage], "blocked/here")
    assert said.startswith("cannot write ")
    shutil.rmtree(tmp_path / ".scratch", ignore_errors=True)
    (tmp_path / ".scratch").touch()
    assert fails(cli, tmp_path, images, stage).startswith("cannot write .scratch")
