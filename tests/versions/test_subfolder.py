"""A project in a folder of a larger git repository, and names that git would quote."""

import os
import shutil
from pathlib import Path

import pytest

from gan_augment import versions
from gan_augment.errors import UserError
from gan_augment.versions import git, source
from gan_augment.versions.publish import Publication, latest, publish
from tests.projects import Project

FIRST, SECOND = b"a\n", b"a\nb\n"
TAG = "vision/gan=augmented@v1.0.0"
NAMES = ("größe", "two words", "it's", 'so "called"', "日本")  # as far as DVC takes them


def embed(project: Project, folder: str) -> Project:
    """Move a project into a folder of a larger repository beside it, which has the same remotes."""
    top = project.root.parent / "larger"
    root = top / folder
    root.parent.mkdir(parents=True)
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".git"))
    (top / "README").write_text("of all\n")
    (top / "common").mkdir()
    (top / "common/code.txt").write_text("1\n")
    shutil.rmtree(project.git)
    project.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", str(project.git))
    for command in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("remote", "add", "origin", str(project.git)),
        ("add", "--all", ":!**/dvc.lock"),
        ("commit", "--quiet", "--message", "larger"),
        ("push", "--quiet", "origin", "main"),
    ):
        project.run("git", *command, cwd=top)
    return Project(root, project.root.parent)


@pytest.fixture
def subfolder(project: Project) -> Project:
    return embed(project, "vision/gan")


@pytest.mark.usefixtures("cache")
def test_a_version_of_a_subfolder_for_all_ways_to_pull(subfolder: Project, tmp_path: Path) -> None:
    release = publish(subfolder.root, Publication())
    assert (release.tag, release.is_new) == (TAG, True)
    again = publish(subfolder.root, Publication())
    assert (again.tag, again.is_new, again.record) == (TAG, False, release.record)
    listed = git.names(subfolder.git, "ls-tree", "-r", "-z", "--name-only", "published")
    assert {"vision/gan/dvc.lock", "vision/gan/published/augmented.json", "README"} <= set(listed)
    assert "dvc.lock" not in listed

    address = str(subfolder.git)
    get = ("dvc", "artifacts", "get", address, "vision/gan:augmented", "--rev", "v1.0.0")
    subfolder.run(*get, cwd=tmp_path)
    assert (tmp_path / "augmented/part.txt").read_bytes() == FIRST
    path = "vision/gan/data/augmented"
    subfolder.run("dvc", "get", address, path, "--rev", TAG, "-o", "got", cwd=tmp_path)
    assert (tmp_path / "got/part.txt").read_bytes() == FIRST
    user = tmp_path / "user"
    user.mkdir()
    subfolder.run("git", "init", "--quiet", cwd=user)
    subfolder.run("dvc", "init", "--quiet", cwd=user)
    subfolder.run("dvc", "import", address, path, "--rev", TAG, "-o", "mine", cwd=user)
    assert (user / "mine/part.txt").read_bytes() == FIRST

    for tag in (None, "v1.0.0", "augmented@v1.0.0", TAG):
        assert (versions.pull(address, tag) / "part.txt").read_bytes() == FIRST
    assert (versions.pull(address, None, "vision/gan:augmented") / "part.txt").exists()
    assert (versions.pull(str(subfolder.root)) / "part.txt").exists()  # a checkout's own folder


def test_only_changes_that_concern_the_project_count(subfolder: Project) -> None:
    top = subfolder.root.parents[1]
    (top / "README").write_text("somebody is at work here\n")
    (top / "other.dvc").write_text("outs: []\n")
    publish(subfolder.root, Publication())
    listed = git.names(subfolder.git, "ls-tree", "-r", "-z", "--name-only", "published")
    assert "other.dvc" not in listed
    assert git.run(subfolder.git, "show", "published:README") == b"of all\n"

    subfolder.run(
        "dvc", "stage", "add", "--name", "more", "--deps", "../../common/code.txt", "true"
    )
    subfolder.rebuild()
    subfolder.run("git", "add", "dvc.yaml")
    subfolder.run("git", "commit", "--quiet", "--message", "more")
    (top / "common/code.txt").write_text("2\n")
    subfolder.rebuild()
    with pytest.raises(UserError, match=r"common/code\.txt differ from the last commit"):
        publish(subfolder.root, Publication())
    (top / "common/code.txt").write_text("1\n")
    subfolder.rebuild()
    (subfolder.root / "train.sh").write_text("true\n")
    with pytest.raises(UserError, match=r"vision/gan/train\.sh differ from the last commit"):
        publish(subfolder.root, Publication())


@pytest.mark.usefixtures("cache")
def test_new_data_in_a_subfolder_is_in_the_next_version(subfolder: Project) -> None:
    publish(subfolder.root, Publication())
    (subfolder.root / "data/raw/b.txt").write_text("b\n")
    source.update(subfolder.root, print)
    subfolder.rebuild()
    assert publish(subfolder.root, Publication()).tag == "vision/gan=augmented@v1.1.0"
    assert (versions.pull(str(subfolder.git)) / "part.txt").read_bytes() == SECOND
    shown = git.run(subfolder.git, "show", "published:vision/gan/data/raw.dvc")
    assert shown == (subfolder.root / "data/raw.dvc").read_bytes()


@pytest.mark.usefixtures("cache")
def test_two_projects_of_one_repository(subfolder: Project) -> None:
    publish(subfolder.root, Publication())
    other = Project(subfolder.root.parents[1] / "speech", subfolder.beside)
    shutil.copytree(subfolder.root, other.root)
    (other.root / "data/raw/b.txt").write_text("b\n")
    other.run("dvc", "add", "--quiet", "data/raw")
    other.rebuild()
    other.run("git", "add", ".", ":!dvc.lock")
    other.run("git", "commit", "--quiet", "--message", "other")
    assert publish(other.root, Publication()).tag == "speech=augmented@v1.0.0"
    before = latest(subfolder.root, Publication())
    assert before is not None
    assert before.tag == TAG

    address = str(subfolder.git)
    several = "augmented is in several folders: name one of speech:augmented, vision/gan:augmented"
    with pytest.raises(UserError, match=several):
        versions.pull(address)
    with pytest.raises(UserError, match=several):
        versions.pull(address, "v1.0.0")
    assert (versions.pull(address, TAG) / "part.txt").read_bytes() == FIRST
    speech = versions.pull(address, "v1.0.0", "speech:augmented")
    assert (speech / "part.txt").read_bytes() == SECOND


@pytest.mark.parametrize("folder", ["größe", "two words"])
def test_a_folder_that_no_tag_can_name_is_refused_before_anything_is_pushed(
    project: Project, folder: str
) -> None:
    embedded = embed(project, folder)
    with pytest.raises(UserError, match=f"'{folder}:augmented' cannot be part of a version's tag"):
        publish(embedded.root, Publication())
    assert not embedded.store.exists()


@pytest.mark.usefixtures("cache")
def test_any_name_of_tracked_data_that_changed_was_added_or_is_gone(project: Project) -> None:
    for name in NAMES:
        folder = project.root / "data" / name
        folder.mkdir()
        (folder / "x.txt").write_text(f"{name}\n")
        project.run("dvc", "add", "--quiet", f"data/{name}")
    project.commit("names")
    publish(project.root, Publication())

    for name in NAMES:
        (project.root / "data" / name / "x.txt").write_text(f"{name}, changed\n")
    source.update(project.root, print)
    project.run("dvc", "remove", f"data/{NAMES[0]}.dvc")
    new = project.root / "data/näu"
    new.mkdir()
    (new / "x.txt").write_text("x\n")
    project.run("dvc", "add", "--quiet", "data/näu")
    project.run("git", "checkout", "--", "data/.gitignore")
    (project.root / "data/raw/b.txt").write_text("b\n")
    source.update(project.root, print)
    project.rebuild()
    assert publish(project.root, Publication()).tag == "augmented@v1.1.0"
    listed = set(git.names(project.git, "ls-tree", "-r", "-z", "--name-only", "published"))
    tracked = {f"data/{name}.dvc" for name in (*NAMES[1:], "näu", "raw")}
    assert {name for name in listed if name.endswith(".dvc")} == tracked
    for name in tracked:
        shown = git.run(project.git, "show", f"published:{name}")
        assert shown == (project.root / name).read_bytes()
    assert (versions.pull(str(project.git)) / "part.txt").read_bytes() == SECOND


def test_names_come_unquoted(project: Project) -> None:
    for name in (*NAMES, "back\\slash", " edge "):
        (project.root / f"{name}.dvc").write_text("outs: []\n")
    listed = git.names(project.root, "ls-files", "--others", "-z", "--exclude-standard")
    assert {f"{name}.dvc" for name in (*NAMES, "back\\slash", " edge ")} <= set(listed)
    assert all(os.path.lexists(project.root / name) for name in listed)
