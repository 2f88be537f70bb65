"""The copy of a repository that pulls go by: which tag is meant, and what a killed git left."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions import git
from gan_augment.versions.clone import open_clone
from gan_augment.versions.tags import Tag, wanted

TOP, VISION, SPEECH = (
    Tag(artifact, (1, 0, 0))
    for artifact in ("augmented", "vision/gan:augmented", "speech:augmented")
)
NUMBER = wanted("v1.0.0", "augmented")


@pytest.fixture
def repository(tmp_path: Path, cache: Path) -> Path:
    """Return a repository with a commit, and an empty cache."""
    assert not cache.exists()
    folder = tmp_path / "repository"
    folder.mkdir()
    git.run(folder, "init", "--quiet")
    git.run(folder, "commit", "--quiet", "--allow-empty", "--message", "start")
    return folder


@pytest.fixture
def publish(repository: Path) -> Callable[..., None]:
    """Return what gives the repository's commit tags, by hand."""

    def tag(*names: object) -> None:
        for name in names:
            git.run(repository, "tag", str(name))

    return tag


def test_a_version_of_the_same_name_in_a_folder_is_not_taken_for_that_at_the_top(
    repository: Path, publish: Callable[..., None]
) -> None:
    publish(TOP, VISION)
    clone = open_clone(str(repository))
    assert clone.find(VISION) == VISION
    assert clone.find(NUMBER) == TOP


def test_several_folders_are_told_whatever_was_pulled_before(
    repository: Path, publish: Callable[..., None]
) -> None:
    publish(VISION)
    clone = open_clone(str(repository))
    assert clone.find(NUMBER) == VISION
    publish(SPEECH)
    with pytest.raises(UserError, match="several folders"):
        clone.find(NUMBER)


def test_what_is_here_needs_no_repository(
    repository: Path, publish: Callable[..., None], tmp_path: Path
) -> None:
    publish(TOP, VISION, SPEECH)
    clone = open_clone(str(repository))
    clone.fetch([VISION])
    shutil.move(repository, tmp_path / "gone")
    assert clone.find(NUMBER) == VISION
    assert clone.find(VISION) == VISION
    with pytest.raises(UserError, match="cannot reach"):
        clone.find(SPEECH)


@pytest.mark.usefixtures("cache")
def test_who_cannot_reach_it_is_not_told_the_password() -> None:
    clone = open_clone("https://oauth2:SECRET@127.0.0.1:9/x.git")
    with pytest.raises(UserError, match=r"cannot reach https://127\.0\.0\.1:9/x\.git: ") as told:
        clone.find(NUMBER)
    assert "SECRET" not in str(told.value)


def test_a_git_that_was_killed_while_it_fetched_is_in_nobodys_way(
    repository: Path, publish: Callable[..., None]
) -> None:
    publish(TOP)
    clone = open_clone(str(repository))
    for left in ("shallow.lock", f"{git.tag_ref(str(TOP))}.lock"):
        (clone.folder / left).parent.mkdir(parents=True, exist_ok=True)
        (clone.folder / left).touch()
    assert clone.find(TOP) == TOP
