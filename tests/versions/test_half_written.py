import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zc.lockfile

from gan_augment.doctor import repositories
from gan_augment.versions import graph, half_written, source
from gan_augment.versions.command import dvc
from gan_augment.versions.half_written import LOCK, RECORD
from tests.projects import Project


def refused(project: Project) -> tuple[str, str]:
    """Return what DVC, run by hand, and the doctor say of a project in which DVC does not run."""
    command = [sys.executable, "-m", "dvc", "repro"]
    by_hand = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert by_hand.returncode
    [finding] = [one for one in repositories.dvc(project.root) if one.about == "DVC"]
    assert finding.stops
    return by_hand.stderr, finding.said


@pytest.mark.parametrize("content", ["", '{"write": {'])
def test_dvc_runs_after_it_was_killed_while_it_wrote_its_record(
    content: str, project: Project, on_line: Callable[[str], None]
) -> None:
    record = project.root / RECORD
    record.write_text(content)
    by_hand, finding = refused(project)
    assert "'.dvc/tmp/rwlock'. JSON structure is corrupted" in by_hand
    assert "left .dvc/tmp/rwlock damaged, and DVC refuses to run: delete it" in finding
    assert dvc(project.root, ["repro", "ingest"], on_line).code == 0
    assert not half_written.damaged(project.root)


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_dvc_runs_after_it_was_killed_while_it_wrote_its_lock_file(
    share: float,
    committed: bool,
    project: Project,
    on_line: Callable[[str], None],
    lines: list[str],
) -> None:
    lock = project.root / LOCK
    whole = lock.read_text()
    if committed:
        project.run("git", "add", "--force", str(LOCK))
        project.run("git", "commit", "--quiet", "--message", "lock")
    part = whole[: int(len(whole) * share)]
    lock.write_text(part.rsplit(":", 1)[0])  # as blocks end: anywhere
    by_hand, finding = refused(project)
    assert "'./dvc.lock' " in by_hand
    assert "left dvc.lock damaged, and DVC refuses to run: `git checkout HEAD" in finding
    assert dvc(project.root, ["repro"], on_line).code == 0
    assert lines[0] == "dvc.lock, left damaged by a killed run, is mended"
    assert lock.read_text() == whole


@pytest.mark.parametrize("share", [0, 1 / 3, 2 / 3])
def test_data_is_known_after_dvc_was_killed_while_it_wrote_of_it(
    share: float, project: Project, on_line: Callable[[str], None], lines: list[str]
) -> None:
    tracked, before = project.root / "data/raw.dvc", project.run("git", "show", "HEAD:data/raw.dvc")
    (project.root / "data/raw/b.txt").write_text("b\n")
    tracked.write_text(before[: int(len(before) * share)])
    [finding] = [one for one in repositories.dvc(project.root) if one.about == "DVC"]
    assert finding.stops
    assert "left data/raw.dvc damaged, and DVC fails, or knows of no data: `git" in finding.said
    half_written.mend(project.root, on_line)
    assert lines == ["data/raw.dvc, left damaged by a killed run, is mended"]
    assert tracked.read_text() == before
    source.update(project.root, on_line)
    assert graph.source_changed(project.root)


@pytest.mark.parametrize("file", [LOCK, RECORD])
def test_publishing_goes_on_after_dvc_was_killed_while_it_wrote(
    file: Path, project: Project
) -> None:
    project.run("git", "add", "--force", str(LOCK))
    project.run("git", "commit", "--quiet", "--message", "lock")
    (project.root / file).write_text("{'schema")
    command = [sys.executable, "-m", "gan_augment.cli", "publish"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{file}, left damaged by a killed run, is mended" in done.stderr
    assert project.tags() == ["augmented@v1.0.0"]


def test_a_conflict_of_a_merge_stays(project: Project) -> None:
    lock = project.root / LOCK
    lock.write_text("<<<<<<< HEAD\nschema: '2.0'\n=======\n>>>>>>> other\n")
    before = lock.read_text()
    half_written.mend(project.root)
    assert lock.read_text() == before


def test_what_is_whole_or_being_written_stays(project: Project) -> None:
    record = project.root / RECORD
    for content, held in (("{}", False), ("", True)):
        record.write_text(content)
        guard = zc.lockfile.LockFile(f"{record}.lock") if held else None
        half_written.mend(project.root)
        assert record.read_text() == content
        if guard:
            guard.close()
    half_written.mend(project.root)
    assert not record.exists()
    half_written.mend(project.root)
    record.mkdir()  # cannot be read: DVC's to say
    half_written.mend(project.root)
    assert record.is_dir()
