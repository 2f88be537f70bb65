"""`gan-augment doctor` as it is run: all of it, its lines and its exit code."""

import subprocess
import sys
from pathlib import Path

from gan_augment.doctor.finding import attention, not_needed, ok
from gan_augment.doctor.terminal import line, summary


def run(root: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "gan_augment.cli", "doctor"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_in_a_project_and_when_its_remote_is_gone(tmp_path: Path) -> None:
    init = [sys.executable, "-m", "gan_augment.cli", "init", "p"]
    subprocess.run(init, cwd=tmp_path, check=True, capture_output=True)
    code, lines = run(tmp_path / "p")
    assert (code, lines[-1]) == (0, "nothing here would stop a run")
    abouts = ("Python", "packages", "machine", "disk", "git", "DVC", "Prefect", "torch", "project")
    for about in abouts:
        assert any(line[12:].startswith(f"{about} ") for line in lines), about
    status = ["git", "status", "--porcelain"]
    assert subprocess.check_output(status, cwd=tmp_path / "p") == b""
    subprocess.run(
        ["git", "remote", "add", "origin", "../gone.git"], cwd=tmp_path / "p", check=True
    )
    code, lines = run(tmp_path / "p")
    assert (code, lines[-1]) == (1, "this would stop a run: git remote origin")


def test_lines() -> None:
    assert line(ok("git", "2.39")).endswith("  git                2.39")
    assert "for building; x" in line(not_needed("DVC remote", "building; x"))
    assert line(attention("disk", "full: make room", stops=True)).endswith("full: make room")
    findings = [ok("a", ""), attention("b", "", stops=True), attention("c", "", stops=False)]
    assert summary(findings) == "this would stop a run: b"
    assert summary(findings[::2]) == "nothing here would stop a run"
