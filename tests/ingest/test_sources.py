from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.ingest.sources import digits, folder
from pipeline.params import IngestParams


def test_digits_are_all_there() -> None:
    images = list(digits(IngestParams()))
    assert len(images) == 1797
    assert {image.label for image in images} == set("0123456789")
    assert images[0].open().getextrema() == (0, 239)  # 15 of 16 grey levels in the first zero


def test_a_folder_gives_a_class_a_directory(folder_of_images: Path) -> None:
    (folder_of_images / "digit 0" / "nested").mkdir()
    (folder_of_images / "digit 0" / "0.png").rename(
        folder_of_images / "digit 0" / "nested" / "é.png"
    )
    (folder_of_images / "digit 0" / "notes.txt").touch()
    (folder_of_images / "digit 0" / ".hidden.png").touch()
    images = list(folder(IngestParams(path=folder_of_images)))
    assert len(images) == 36
    assert {image.label for image in images} == {"digit 0", "digit 1", "digit 2"}
    assert "digit 0/nested/é.png" in {image.name for image in images}


def test_annotations_name_split_and_group(folder_of_images: Path) -> None:
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,test,s1\ndigit 1/0.png,,s2\n"
    )
    images = {
        image.name: image
        for image in folder(IngestParams(path=folder_of_images, annotations="a.csv"))
    }
    assert (images["digit 0/0.png"].split, images["digit 0/0.png"].group) == ("test", "s1")
    assert (images["digit 1/0.png"].split, images["digit 1/0.png"].group) == (None, "s2")
    assert (images["digit 2/0.png"].split, images["digit 2/0.png"].group) == (None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,split\ndigit 0/0.png,training\n", "line 2: split 'training'; allowed: train"),
        ("file,split\ndigit 0/99.png,train\n", "the first is 'digit 0/99.png'"),
        ("name,split\na,train\n", "needs a column 'file' and a column 'split' or 'group'"),
        ("", "needs a column 'file'"),
    ],
)
def test_annotations_that_do_not_fit(folder_of_images: Path, content: str, message: str) -> None:
    (folder_of_images / "a.csv").write_text(content)
    with pytest.raises(UserError) as caught:
        list(folder(IngestParams(path=folder_of_images, annotations="a.csv")))
    assert message in str(caught.value)


def test_annotations_must_be_tracked_with_the_images(folder_of_images: Path) -> None:
    with pytest.raises(UserError, match="must lie inside"):
        list(folder(IngestParams(path=folder_of_images, annotations="../a.csv")))
    with pytest.raises(UserError, match="no such file"):
        list(folder(IngestParams(path=folder_of_images, annotations="a.csv")))
