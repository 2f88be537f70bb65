import os
import sys
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.ingest.sources.raw import HIDDEN, Skipped
from gan_augment.ingest.sources.walk import LINK, SPECIAL, matching, walk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a/1.png", "a/x/2.png", "b/3.png"):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "set"


def files(root: Path) -> tuple[list[str], Skipped]:
    skipped: Skipped = {}
    return list(walk(root, skipped)), skipped


def test_folders_are_told_whether_they_hold_files_or_not(root: Path) -> None:
    (root / "empty" / "inner").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "link").symlink_to("a")
    seen: dict[str, str] = {}
    assert sorted(walk(root, {}, seen=seen)) == ALL
    assert {*seen.values()} == {"", "a/", "a/x/", "b/", "empty/", "empty/inner/"}


ALL = ["a/1.png", "a/x/2.png", "b/3.png"]


@pytest.mark.parametrize("target", [".", "..", "../b", "x", "../..", "../b/3.png", "1.png"])
def test_a_link_to_what_is_read_anyway_reads_nothing_twice(root: Path, target: str) -> None:
    (root / "a" / "link").symlink_to(target)
    found, skipped = files(root)
    assert sorted(found) == ALL
    assert skipped == {LINK: (1, "a/link")}


def test_many_links_that_lead_back_end(root: Path) -> None:
    for number in range(5):
        (root / "a" / f"l{number}").symlink_to("..")
        (root / "b" / f"l{number}").symlink_to("../a")
    found, skipped = files(root)
    assert sorted(found) == ALL
    assert skipped[LINK][0] == 10


def test_links_to_elsewhere_are_read_once(root: Path) -> None:
    other = root.parent / "other"
    other.mkdir()
    (other / "4.png").touch()
    (other / "back").symlink_to(root)
    (root / "c").symlink_to(other)
    (root / "d").symlink_to(other)
    (root / "a" / "4.png").symlink_to(other / "4.png")
    (root.parent / "5.png").touch()
    (root / "a" / "5.png").symlink_to(root.parent / "5.png")
    found, skipped = files(root)
    assert sorted(found) == sorted([*ALL, "c/4.png", "a/5.png"])
    assert skipped[LINK][0] == 3


def test_two_links_to_one_file_are_two_as_in_a_cache_of_dvc(root: Path) -> None:
    (root.parent / "5.png").touch()
    (root / "a" / "5.png").symlink_to(root.parent / "5.png")
    (root / "b" / "5.png").symlink_to(root.parent / "5.png")
    assert sorted(files(root)[0]) == sorted([*ALL, "a/5.png", "b/5.png"])


def test_a_link_to_what_is_not_asked_for_is_read(root: Path) -> None:
    (root / "c").mkdir()
    for name in ("1.png", "x.png"):
        (root / "c" / name).symlink_to("../a/1.png")
    skipped: Skipped = {}
    found = list(walk(root, skipped, "[bc]/*"))
    assert found == [*ALL, "c/1.png", "c/x.png"]
    assert skipped == {}
    assert list(walk(root, skipped, "*/*.png")) == ALL
    assert skipped == {LINK: (2, "c/1.png")}


def test_what_is_no_file_is_told(root: Path) -> None:
    os.mkfifo(root / "a" / "f.png")
    (root / "a" / "broken.png").symlink_to("nowhere")
    (root / "a" / "self.png").symlink_to("self.png")
    found, skipped = files(root)
    assert sorted(found) == ALL
    assert skipped[SPECIAL][0] == 3


def test_hidden_folders_are_not_entered(root: Path) -> None:
    for name in ("__MACOSX", ".git", "a/.ipynb_checkpoints"):
        (root / name).mkdir()
        (root / name / "1.png").touch()
    found, skipped = files(root)
    assert sorted(found) == ALL
    assert skipped[HIDDEN][0] == 3


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*/*.png", ["a/1.png", "b/3.png"]),
        ("**/*.png", ALL),
        ("*", []),
        ("a/.c/*", []),
    ],
)
def test_a_pattern_picks_files(root: Path, pattern: str, names: list[str]) -> None:
    (root / "a" / ".c").mkdir()
    for name in (".4.png", ".c/5.png"):
        (root / "a" / name).touch()
    assert [file.relative_to(root).as_posix() for file in matching(root, pattern)] == names


not_after_3_12 = pytest.mark.skipif(sys.version_info >= (3, 13), reason="is one from 3.13 on")


@pytest.mark.parametrize(
    "pattern", ["/x/*.csv", "../*.csv", ".", pytest.param("**.csv", marks=not_after_3_12)]
)
def test_what_is_no_pattern_below_the_folder(root: Path, pattern: str) -> None:
    with pytest.raises(UserError, match=r"ingest.files = '.*': no pattern of files below .*set"):
        matching(root, pattern)


def test_a_folder_that_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UserError, match="set/b cannot be read: Permission denied"):
        files(root)
