"""Git's plumbing: what is said where it cannot run."""

from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions import git


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gone is not there"):
        git.run(tmp_path / "gone", "status")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file, not a folder"):
        git.run(tmp_path / "file", "status")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="git is not installed"):
        git.run(tmp_path, "status")
