"""Imported and added data, with a real registry of data to import from."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Timer

import pytest
from zc.lockfile import LockFile

from gan_augment.errors import UserError
from gan_augment.versions import graph, source
from tests.projects import Project


@pytest.fixture
def registry(project: Project) -> Path:
    """Return a repository of data from which the project imports data/raw."""
    folder = project.root.parent / "registry"
    folder.mkdir()
    (folder / "images").mkdir()
    (folder / "images/a.txt").write_text("a\n")
    project.run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    project.run("dvc", "init", "--quiet", cwd=folder)
    project.run("dvc", "add", "--quiet", "images", cwd=folder)
    project.run("git", "add", "--all", cwd=folder)
    project.run("git", "commit", "--quiet", "--message", "data", cwd=folder)
    project.run("dvc", "remove", "data/raw.dvc")
    project.run("rm", "-r", "data/raw")
    project.run("dvc", "import", "--quiet", str(folder), "images", "-o", "data/raw")
    project.rebuild()
    project.commit("import")
    return folder


def test_imported_data_follows_its_source_and_a_lost_one_is_told(
    project: Project, registry: Path, on_line: Callable[[str], None]
) -> None:
    source.update(project.root, on_line)
    assert not graph.source_changed(project.root)
    (registry / "images/b.txt").write_text("b\n")
    project.run("dvc", "add", "--quiet", "images", cwd=registry)
    project.run("git", "commit", "--quiet", "--all", "--message", "more", cwd=registry)
    source.update(project.root, on_line)
    assert graph.source_changed(project.root)
    assert (project.root / "data/raw/b.txt").read_text() == "b\n"
    project.rebuild()
    assert not graph.source_changed(project.root)

    registry.rename(registry.with_name("gone"))
    with pytest.raises(UserError, match="dvc update .*data/raw.dvc: "):
        source.update(project.root, on_line)


def test_added_data_that_changed_is_recorded(
    project: Project, on_line: Callable[[str], None]
) -> None:
    (project.root / "data/raw/b.txt").write_text("b\n")
    source.update(project.root, on_line)
    assert graph.source_changed(project.root)
    assert project.run("dvc", "status", "data/raw.dvc") == "Data and pipelines are up to date.\n"


def test_a_lock_that_is_taken_is_waited_for(
    project: Project, on_line: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dvc.lock.DEFAULT_TIMEOUT", 0.06)  # seconds, in which DVC tries six times
    for ask in (partial(source.update, on_line=on_line), graph.changed, graph.source_changed):
        taken, gone = LockFile(str(project.root / ".dvc/tmp/lock")), Event()
        Timer(0.5, let_go, (taken, gone)).start()
        ask(project.root)
        assert gone.is_set(), ask


def let_go(taken: LockFile, gone: Event) -> None:
    gone.set()
    taken.close()


def test_what_dvc_refuses_is_one_message(project: Project, on_line: Callable[[str], None]) -> None:
    (project.root / "data/raw.dvc").write_text("outs: 3")
    with pytest.raises(UserError, match="tracked data in .*/project: .*raw.dvc"):
        source.update(project.root, on_line)


def test_a_file_that_names_no_data_is_told(
    project: Project, on_line: Callable[[str], None]
) -> None:
    (project.root / "data/raw.dvc").write_text("")
    with pytest.raises(UserError, match=r"data/raw\.dvc names no data: take it from an earlier"):
        source.update(project.root, on_line)
