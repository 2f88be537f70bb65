"""Git, DVC and their remotes in the states in which users find them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gan_augment.doctor import repositories
from gan_augment.doctor.finding import Finding
from tests.environment import git


def found(look: object, root: Path) -> dict[str, Finding]:
    return {finding.about: finding for finding in look(root)}  # type: ignore[operator]


def test_no_git_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = repositories.git(tmp_path)
    assert (finding.about, finding.stops) == ("git", True)
    assert finding.said.startswith("not on the PATH: ")


def test_nobody_who_commits(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "")
    finding = found(repositories.git, repository)["git"]
    assert (finding.state, finding.stops) == ("attention", False)
    assert "git config --global user.name" in finding.said
    git(repository, "remote", "add", "origin", "../there.git")  # publishing commits
    assert found(repositories.git, repository)["git"].stops


def test_outside_and_without_remotes(repository: Path, tmp_path: Path) -> None:
    seen = found(repositories.git, repository)
    assert {about: finding.state for about, finding in seen.items()} == {
        "git": "ok",
        "git remote": "not needed",
    }
    assert "outside" in found(repositories.git, tmp_path)["git remote"].said


def test_a_repository_that_git_refuses(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of another user: that is not to be outside a repository."""
    (stub := tmp_path / "git").write_text(
        "#!/bin/sh\n"
        'case "$*" in *remote) echo "fatal: detected dubious ownership" >&2; exit 128;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    finding = found(repositories.git, repository)["git remote"]
    assert (finding.state, finding.stops) == ("attention", True)
    assert finding.said == "git remote: fatal: detected dubious ownership"


def test_a_git_remote_that_takes_pushes_and_one_that_is_gone(
    repository: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "there.git")
    git(repository, "remote", "add", "origin", "../there.git")
    assert "can be read" in found(repositories.git, repository)["git remote origin"].said
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "start")
    finding = found(repositories.git, repository)["git remote origin"]
    assert (finding.state, finding.said) == ("ok", "../there.git takes pushes")
    assert git(tmp_path / "there.git", "for-each-ref") == ""  # it was a rehearsal
    shutil.rmtree(tmp_path / "there.git")
    finding = found(repositories.git, repository)["git remote origin"]
    assert finding.stops
    assert finding.said.startswith("../there.git: fatal: ")


def test_passwords_of_remotes_are_not_shown(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://ci:SECRET@127.0.0.1:9/x.git")
    finding = found(repositories.git, repository)["git remote origin"]
    assert finding.said.startswith("https://127.0.0.1:9/x.git: fatal: ")
    assert "SECRET" not in finding.said


def test_dvc_is_not_installed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "find_spec", lambda _: None)
    (finding,) = repositories.dvc(repository)
    assert finding.stops
    assert "pip install 'gan-augment[dvc]'" in finding.said


def test_dvc_and_its_remote(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["dvc", "init", "--quiet"], cwd=repository, check=True)
    seen = found(repositories.dvc, repository)
    assert (seen["DVC"].state, seen["DVC remote"].state) == ("ok", "not needed")
    assert seen["DVC telemetry"].state == "ok"
    config = repository / ".dvc/config"
    config.write_text(f"[core]\n remote = s\n['remote \"s\"']\n url = {tmp_path / 'f'}\n")
    (tmp_path / "f").write_text("in the way")
    monkeypatch.delenv("DVC_NO_ANALYTICS")
    seen = found(repositories.dvc, repository)
    assert seen["DVC remote s"].stops
    assert "dvc remote modify s url URL" in seen["DVC remote s"].said
    assert (seen["DVC telemetry"].state, seen["DVC telemetry"].stops) == ("attention", False)
    config.write_text("[core]\n    remote = s\n")
    assert found(repositories.dvc, repository)["DVC remote s"].stops
    config.write_text("[core\n")
    (finding,) = repositories.dvc(repository)
    assert finding.stops
    assert "config file error" in finding.said


@pytest.mark.parametrize(
    ("state", "stops", "said"),
    [
        ("writable", False, "u can be read and written"),
        ("absent", False, "the first push makes it"),
        ("readable", True, "u can be read, not written: no right"),
        ("unreachable", True, "u is out of reach: no right"),
    ],
)
def test_states_of_a_remote(state: str, stops: bool, said: str) -> None:
    told = {"project": True, "remote": "s", "url": "u", "state": state, "trouble": "no right"}
    finding = repositories._dvc_remote(told)
    assert finding.stops == stops
    assert said in finding.said
