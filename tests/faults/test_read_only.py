"""On a file system that cannot be written: one message, whatever the command."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import refusal
from tests.faults import read_only
from tests.faults.conftest import STAGES, made


@pytest.fixture(scope="module", autouse=True)
def _mounts() -> None:
    """Ask only when these tests run: it takes a process that has imported everything."""
    if not read_only.mounts():
        pytest.skip("this user may not mount")


def refused(folder: Path, *command: str, only: str = ".") -> str:
    """Return the one message of a command, which leaves all that was there."""
    before = made(folder)
    said = refusal(read_only.run(folder, *command, only=only))
    assert made(folder) == before
    return said


@pytest.mark.parametrize(
    "command",
    [
        *((stage,) for stage in STAGES),
        *(("study",), ("curve",), ("publish",), ("lock",), ("init", "other")),
        ("export", "--out", "elsewhere"),
    ],
    ids=" ".join,
)
def test_a_project_is_one_message(built: Path, command: tuple[str, ...]) -> None:
    said = refused(built, *command)
    assert "read-only file system" in said.lower()
    assert "make room" not in said


@pytest.mark.parametrize(
    ("only", "command"), [("data", "ingest"), ("models", "classifier"), ("reports", "report")]
)
def test_a_folder_of_outputs_is_one_message(
    built: Path, tmp_path: Path, only: str, command: str
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(built, folder)
    said = refused(folder, command, only=only)
    assert said.startswith(f"cannot write {only}/")
    assert "Read-only file system" in said


def test_a_cache_is_one_message(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(built, folder)
    (folder / "cache").mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "empty"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    monkeypatch.setenv("GAN_AUGMENT_CACHE", str(folder / "cache"))
    for asked in (("versions", "."), ("pull", "."), ("diff", ".", "v1.0.0", "v2.0.0")):
        said = refused(folder, *asked, only="cache")
        assert "cannot write" in said
        assert "Read-only file system" in said


def test_what_only_reads_goes_on(built: Path) -> None:
    code, printed = read_only.run(built, "verdict")
    assert code == 0
    assert "What ships: " in printed
