from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions import tags
from gan_augment.versions.tags import Tag


@pytest.mark.parametrize(
    ("address", "url", "tag"),
    [
        ("git@host:team/bolts.git@v1.2.0", "git@host:team/bolts.git", "v1.2.0"),
        ("git@host:team/bolts.git", "git@host:team/bolts.git", None),
        ("git@host:bolts@augmented@v1.2.0", "git@host:bolts", "augmented@v1.2.0"),
        ("https://me@host/x.git", "https://me@host/x.git", None),
        ("https://me:pw@host/x.git@1.2.0", "https://me:pw@host/x.git", "1.2.0"),
        ("https://host/x.git@generator@v2.0.0", "https://host/x.git", "generator@v2.0.0"),
        ("git@host:x@a/b=augmented@v1.0.0", "git@host:x", "a/b=augmented@v1.0.0"),
        ("https://host/x.git@newest", "https://host/x.git", "newest"),
        ("../bolts", "../bolts", None),
        ("../bolts@v1.0.0", "../bolts", "v1.0.0"),
    ],
)
def test_the_tag_of_an_address(address: str, url: str, tag: str | None) -> None:
    assert tags.split_address(address) == (url, tag)


def test_a_folder_that_exists_is_no_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "me@v1.0.0").mkdir()
    monkeypatch.chdir(tmp_path)
    assert tags.split_address("me@v1.0.0") == ("me@v1.0.0", None)
    assert tags.split_address("me@v1.0.0@v2.0.0") == ("me@v1.0.0", "v2.0.0")


def test_names_and_what_they_say() -> None:
    tag = Tag("vision/gan:augmented", (1, 10, 0))
    assert str(tag) == "vision/gan=augmented@v1.10.0"
    assert (tag.folder, tag.name, tag.number) == ("vision/gan/", "augmented", "v1.10.0")
    assert (Tag("augmented", (1, 0, 0)).folder, Tag("augmented", (1, 0, 0)).name) == (
        "",
        "augmented",
    )
    assert tags.parse(str(tag)) == tag
    assert tags.wanted("1.10.0", "vision/gan:augmented") == tag
    assert tags.wanted(str(tag), "ignored") == tag
    names = ["augmented@v1.10.0", "augmented@v1.9.0", "v1.0.0", "augmented@v1.0.0!", "augmented#1"]
    assert [t.number for t in tags.parse_all(names)] == ["v1.9.0", "v1.10.0"]


@pytest.mark.parametrize("made", ["augmented@1.3.0", "augmented@v1.03.0", "augmented@v١.3.0"])
def test_a_tag_that_was_made_by_hand_and_not_so_written_is_no_version(made: str) -> None:
    assert tags.parse(made) is None
    assert [str(tag) for tag in tags.parse_all([made, "augmented@v1.2.0"])] == ["augmented@v1.2.0"]


def test_a_name_without_its_folder() -> None:
    one, two = Tag("a:augmented", (1, 0, 0)), Tag("b:augmented", (1, 0, 0))
    top = Tag("augmented", (2, 0, 0))
    assert tags.of_artifact([one], "augmented") == [one]
    assert tags.of_artifact([one, two, top], "augmented") == [top]
    assert tags.of_artifact([one, two], "b:augmented") == [two]
    with pytest.raises(UserError, match="several folders: name one of a:augmented, b:augmented"):
        tags.of_artifact([one, two], "augmented")
    with pytest.raises(UserError, match="nothing is published there"):
        tags.of_artifact([], "augmented")
