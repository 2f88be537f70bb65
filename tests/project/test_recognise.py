"""What a path holds is told by looking."""

import shutil
import tarfile
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.project.recognise import recognise
from tests.project.conftest import Make, numbered

CLASSES = numbered({"cat": 2, "dog": 2})


def test_a_folder_of_classes(pictures: Make) -> None:
    root = pictures(CLASSES)
    assert recognise(root) == {"source": "folder", "path": root}
    (root / "index.csv").write_text("file,label,sha256\n")  # lists the classes once more
    assert recognise(root) == {"source": "folder", "path": root}
    (root / "more.csv").write_text("file,group\n")
    assert recognise(root)["annotations"] == "more.csv"


@pytest.mark.parametrize("name", ["images.zip", "images.tar.gz"])
def test_an_archive(pictures: Make, tmp_path: Path, name: str) -> None:
    kind = {"zip": "zip", "gz": "gztar"}[name.rsplit(".", 1)[1]]
    shutil.make_archive(str(tmp_path / "images"), kind, pictures(CLASSES))
    assert recognise(tmp_path / name) == {"source": "archive", "path": tmp_path / name}


def test_a_csv_is_read_with_the_folder_that_holds_its_images(pictures: Make) -> None:
    root = pictures(["files/1.png", "files/2.png"])
    (root / "labels.csv").write_text("file,label\nfiles/1.png,cat\nfiles/2.png,dog\n")
    assert recognise(root) == {"source": "csv", "path": root}
    named = recognise(root / "labels.csv")
    assert named == {"source": "csv", "path": root, "files": "labels.csv"}


def test_parquet_and_idx(digits: Path, datasets: Path) -> None:
    assert recognise(digits) == {"source": "parquet", "path": digits}
    shard = next(digits.glob("*.parquet"))
    assert recognise(shard) == {"source": "parquet", "path": shard}
    assert recognise(datasets / "fashion-mnist")["source"] == "idx"


def test_a_source_that_is_named_is_believed(tmp_path: Path) -> None:
    assert recognise(tmp_path, "torchvision") == {"source": "torchvision", "path": tmp_path}


def test_nothing_that_is_read(tmp_path: Path, pictures: Make) -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        recognise(tmp_path / "no")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match="not an archive, a CSV or a Parquet file"):
        recognise(tmp_path / "a.txt")
    with tarfile.open(tmp_path / "t.tar", "w"):
        pass
    for folder in (pictures(["one/1.png"]), pictures(["1.png"], root="flat")):
        with pytest.raises(UserError, match="holds neither two class directories"):
            recognise(folder)


@pytest.mark.usefixtures("no_csv_may_be_read")
def test_a_table_beside_classes_that_may_not_be_read(pictures: Make) -> None:
    root = pictures(CLASSES)
    (root / "more.csv").touch()
    with pytest.raises(UserError, match=r"--images .*more.csv: Permission denied"):
        recognise(root)


def test_what_is_no_table_says_nothing_more(pictures: Make) -> None:
    root = pictures(CLASSES)
    (root / "more.csv").write_text("file," + 200_000 * "x")
    assert recognise(root) == {"source": "folder", "path": root}


def test_what_systems_leave_is_no_table(pictures: Make) -> None:
    root = pictures(["cat/1.png"])
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX/._labels.csv").touch()
    with pytest.raises(UserError, match="holds neither two class directories"):
        recognise(root)
    (root / "lists").mkdir()
    (root / "lists/labels.csv").write_text("file,label\n../cat/1.png,cat\n")
    assert recognise(root) == {"source": "csv", "path": root}
