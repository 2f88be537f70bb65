import subprocess
import sys
from collections.abc import Callable

import pytest
import zc.lockfile

from gan_augment.doctor import repositories
from gan_augment.versions import rwlock
from gan_augment.versions.command import dvc
from tests.versions.conftest import Project


@pytest.mark.parametrize("content", ["", '{"write": {'])
def test_dvc_runs_after_it_was_killed_while_it_wrote(
    content: str, project: Project, on_line: Callable[[str], None]
) -> None:
    record = project.root / rwlock.RECORD
    record.write_text(content)
    command = [sys.executable, "-m", "dvc", "repro", "ingest"]
    by_hand = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert by_hand.returncode
    assert "'.dvc/tmp/rwlock'. JSON structure is corrupted" in by_hand.stderr
    [finding] = [one for one in repositories.dvc(project.root) if one.about == "DVC"]
    assert finding.stops
    assert "left .dvc/tmp/rwlock damaged, and DVC refuses to run: delete it" in finding.said
    assert dvc(project.root, ["repro", "ingest"], on_line).code == 0
    assert not rwlock.damaged(project.root)


def test_what_is_whole_or_being_written_stays(project: Project) -> None:
    record = project.root / rwlock.RECORD
    for content, held in (("{}", False), ("", True)):
        record.write_text(content)
        guard = zc.lockfile.LockFile(f"{record}.lock") if held else None
        rwlock.mend(project.root)
        assert record.read_text() == content
        if guard:
            guard.close()
    rwlock.mend(project.root)
    assert not record.exists()
    rwlock.mend(project.root)
    record.mkdir()  # cannot be read: DVC's to say
    rwlock.mend(project.root)
    assert record.is_dir()
