import shutil
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.ingest.sources import RawImage, find
from gan_augment.params import IngestParams


def folder(path: Path, **params: object) -> dict[str, RawImage]:
    found = find(IngestParams.model_validate({"source": "folder", "path": path, **params}))
    images = {image.name: image for image in found.images}
    assert len(images) == found.total
    return images


def test_a_class_a_directory_nested_as_you_like(folder_of_images: Path) -> None:
    (folder_of_images / "digit 0" / "nested").mkdir()
    (folder_of_images / "digit 0" / "0.png").rename(
        folder_of_images / "digit 0" / "nested" / "é.png"
    )
    (folder_of_images / "digit 0" / "notes.txt").touch()
    (folder_of_images / "digit 0" / ".hidden.png").touch()
    (folder_of_images / ".thumbnails").mkdir()
    (folder_of_images / ".thumbnails" / "0.png").touch()
    (folder_of_images / "loose.png").touch()
    images = folder(folder_of_images)
    assert len(images) == 36
    assert {image.label for image in images.values()} == {"digit 0", "digit 1", "digit 2"}
    assert images["digit 0/nested/é.png"].open().size == (8, 8)
    assert {image.split for image in images.values()} == {None}


def test_a_relative_path(folder_of_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_of_images.parent)
    images = folder(Path("images"))
    assert images["digit 0/0.png"].open().size == (8, 8)


def test_a_glob_picks_files(folder_of_images: Path) -> None:
    assert set(folder(folder_of_images, files="*/1?.png")) == {
        f"digit {label}/{number}.png" for label in range(3) for number in (10, 11)
    }
    with pytest.raises(UserError, match="no class directories with images"):
        folder(folder_of_images, files="*.jpg")


def test_folders_named_after_splits_stand_above_classes(folder_of_images: Path) -> None:
    for split in ("train", "val"):
        shutil.copytree(folder_of_images, folder_of_images.parent / "published" / split)
    images = folder(folder_of_images.parent / "published")
    assert images["val/digit 1/3.png"].split == "validation"
    assert images["train/digit 1/3.png"].split == "train"
    assert {image.label for image in images.values()} == {"digit 0", "digit 1", "digit 2"}


def test_annotations_name_split_and_group(folder_of_images: Path) -> None:
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,test,s1\ndigit 1/0.png,,s2\n"
    )
    images = folder(folder_of_images, annotations="a.csv")
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
        folder(folder_of_images, annotations="a.csv")
    assert message in str(caught.value)


def test_annotations_must_be_tracked_with_the_images(folder_of_images: Path) -> None:
    with pytest.raises(UserError, match="must lie inside"):
        folder(folder_of_images, annotations="../a.csv")
    with pytest.raises(UserError, match="no such file"):
        folder(folder_of_images, annotations="a.csv")


def test_more_images_than_allowed(folder_of_images: Path) -> None:
    with pytest.raises(UserError, match="more than 35 images: raise ingest.max_images"):
        folder(folder_of_images, max_images=35)


def test_numbers_get_names(folder_of_images: Path) -> None:
    for label in (0, 1, 2):
        (folder_of_images / f"digit {label}").rename(folder_of_images / str(label))
    images = folder(folder_of_images, class_names=["zero", "one", "two"])
    assert images["1/0.png"].label == "one"
    with pytest.raises(UserError, match="names 2 classes, numbered from 0; .* has the label '2'"):
        folder(folder_of_images, class_names=["zero", "one"])
