"""Pulling from a real git repository and DVC remote: what arrives, and what is not moved again."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_augment import versions
from gan_augment.errors import UserError
from gan_augment.versions.download import fetch
from gan_augment.versions.publish import Publication, publish
from tests.projects import Project, change_data, copy

FIRST, SECOND = b"a\n", b"a\nb\n"


@pytest.fixture(scope="module")
def two_versions(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with the versions 1.0.0 and 1.1.0 published."""
    project = copy(built, tmp_path_factory.mktemp("two") / "copy")
    publish(project.root, Publication())
    change_data(project)
    publish(project.root, Publication())
    return project


@pytest.fixture
def published(two_versions: Project, cache: Path, tmp_path: Path) -> Iterator[Project]:
    """Yield that project, and an empty cache; what the test breaks is mended afterwards."""
    assert not cache.exists()
    shutil.copytree(two_versions.root.parent, tmp_path / "kept", symlinks=True)
    yield two_versions
    shutil.rmtree(two_versions.root.parent)
    shutil.copytree(tmp_path / "kept", two_versions.root.parent, symlinks=True)


def test_a_version_and_the_latest(published: Project, cache: Path) -> None:
    first = versions.pull(str(published.git), "v1.0.0")
    assert (first / "part.txt").read_bytes() == FIRST
    assert first.is_relative_to(cache)
    assert versions.pull(str(published.git), "augmented@v1.0.0") == first
    assert (versions.pull(str(published.git)) / "part.txt").read_bytes() == SECOND


def test_only_the_artifacts_files_are_moved(published: Project, cache: Path) -> None:
    pulled = fetch(str(published.git), "v1.1.0")
    stored = [file for file in (cache / "files").rglob("*") if file.is_file()]
    assert pulled.moved == sum(file.stat().st_size for file in stored)
    assert sorted(file.read_bytes() for file in stored if file.suffix != ".dir") == [SECOND]
    assert len(stored) == 2


def test_a_second_pull_moves_nothing_and_needs_neither_remote(published: Project) -> None:
    first = fetch(str(published.git), "v1.0.0")
    published.git.rename(published.git.with_name("gone"))
    published.store.rename(published.store.with_name("gone too"))
    again = fetch(str(published.git), "v1.0.0")
    assert (again.moved, again.path) == (0, first.path)
    with pytest.raises(UserError, match=r"cannot reach .*without it there are augmented@v1\.0\.0"):
        fetch(str(published.git))


def test_a_pulled_version_cannot_be_changed_by_mistake(published: Project) -> None:
    file = versions.pull(str(published.git), "v1.0.0") / "part.txt"
    assert file.stat().st_mode & 0o222 == 0


def test_an_interrupted_pull_goes_on(published: Project, cache: Path) -> None:
    fetch(str(published.git), "v1.0.0")
    (folder,) = (cache / "versions").iterdir()
    subprocess.run(["rm", "-r", str(folder)], check=True)
    pulled = fetch(str(published.git), "v1.0.0")  # the files had arrived, the folder had not
    assert pulled.moved == 0
    assert (pulled.path / "part.txt").read_bytes() == FIRST

    subprocess.run(["rm", "-r", str(folder)], check=True)
    (stored,) = (f for f in (cache / "files").rglob("*") if f.is_file() and f.suffix != ".dir")
    stored.unlink()
    assert fetch(str(published.git), "v1.0.0").moved == len(FIRST)


def test_a_version_that_lost_files_here_is_fetched_again(published: Project, cache: Path) -> None:
    first = fetch(str(published.git), "v1.0.0")
    file = first.path / "part.txt"
    file.unlink()  # its folder and the store keep their places
    assert fetch(str(published.git), "v1.0.0").moved == 0
    assert file.read_bytes() == FIRST

    for stored in (file, *(f for f in (cache / "files").rglob("*") if f.is_file())):
        stored.unlink()
    assert fetch(str(published.git), "v1.0.0").moved == first.moved
    assert file.read_bytes() == FIRST

    file.chmod(0o644)
    file.write_bytes(SECOND)  # linked to the store, which is then damaged, too
    with pytest.raises(UserError, match=f"^{cache} is damaged: delete it, and pull again"):
        fetch(str(published.git), "v1.0.0")


def damage(stored: Path) -> None:
    stored.chmod(0o644)
    stored.write_bytes(b"b\n")


@pytest.mark.parametrize("break_it", [Path.unlink, damage])
def test_a_remote_that_lacks_or_damaged_data_is_told(
    published: Project, cache: Path, break_it: Callable[[Path], None]
) -> None:
    for file in published.store.rglob("files/md5/*/*"):
        if file.read_bytes() == FIRST:
            break_it(file)
    with pytest.raises(UserError, match="lacks, or has other bytes of, 1 of 1 files"):
        fetch(str(published.git), "v1.0.0")
    assert not (cache / "versions").exists()
    assert fetch(str(published.git), "v1.1.0").path.exists()


def test_pulls_at_the_same_time(published: Project) -> None:
    code = (
        "import sys; from gan_augment import versions; print(versions.pull(sys.argv[1], 'v1.1.0'))"
    )
    command = [sys.executable, "-c", code, str(published.git)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    (path,) = found
    assert (Path(path.strip()) / "part.txt").read_bytes() == SECOND


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("v1.2.0", r"no version v1\.2\.0 of augmented: did you mean 'v1\.\d\.0'\? allowed: v1\.1"),
        ("newest", r"'newest' is no version: write v1\.2\.0, or augmented@v1\.2\.0"),
        ("augmentd@v1.0.0", r"no version of augmentd: did you mean 'augmented'\?"),
    ],
)
def test_no_such_version(published: Project, tag: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fetch(str(published.git), tag)


@pytest.mark.usefixtures("cache")
def test_nothing_there(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no version of augmented: nothing is published there"):
        fetch(str(project.git))
    with pytest.raises(UserError, match="cannot reach .*/nowhere"):
        fetch(str(tmp_path / "nowhere"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="not a git repository"):
        fetch(str(tmp_path / "folder"))
