"""Git and DVC around a project: what they are asked, and what is made of their answers."""

from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.project import repository
from gan_augment.project.made import Made
from tests.environment import git


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ERROR: unexpected error - no space\n\nHaving any troubles? Hit us up\n", "unexpected "),
        ("error: no space left\nerror: unable to index 'x'\nfatal: adding failed", "no space left"),
        ("Author identity unknown\n\n*** Please\nfatal: no email was given", "no email was given"),
        ("hint: first\nthe hook says no\nhint: second", "the hook says no"),
        ("", "failed"),
    ],
)
def test_the_line_that_says_why(said: str, reason: str) -> None:
    assert repository._reason(said).startswith(reason)


def test_dvc_says_why(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    repository.start(tmp_path, Made())
    (tmp_path / ".gitignore").write_text("data/\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x").touch()
    with pytest.raises(UserError, match=r"^dvc: bad DVC file name 'data.x.dvc' is git-ignored"):
        repository.dvc(tmp_path, "add", "data/x")


def test_files_that_git_ignores_are_named(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("*.lock\n")
    for name in ("a.lock", "b.txt"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"^git ignores a\.lock in .*: take the pattern away that"):
        repository.commit(tmp_path, ["a.lock", "b.txt"], "start")
    assert git(tmp_path, "ls-files") == ""


def test_a_repository_that_git_refuses_is_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not repository._in_git(tmp_path)
    said = "fatal: detected dubious ownership in repository at"
    (stub := tmp_path / "git").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 128\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UserError, match="^git: detected dubious ownership"):
        repository.start(tmp_path, Made())
