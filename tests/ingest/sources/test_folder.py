import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import HIDDEN, RawImage
from gan_augment.ingest.sources.walk import SPECIAL
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


def test_the_folder_below_a_class_is_none_of_what_stands_around_it(
    folder_of_images: Path,
) -> None:
    """Groups by folder are of these: a wrapper, a split and a class hold no one object."""
    root = folder_of_images.parent
    for label in range(3):
        (folder_of_images / f"digit {label}" / "a").mkdir()
        (folder_of_images / f"digit {label}" / "0.png").rename(
            folder_of_images / f"digit {label}" / "a" / "0.png"
        )
    for split in ("train", "valid", "test"):
        shutil.copytree(folder_of_images, root / "published" / "set" / split)
    shutil.copytree(folder_of_images, root / "wrapped" / "photos")
    for name in ("0", "1"):
        shutil.copytree(folder_of_images, root / "folds" / f"fold{name}")
    for label in range(3):
        for split in ("train", "test"):
            shutil.copytree(
                folder_of_images / f"digit {label}", root / "inner" / f"digit {label}" / split
            )
    for name, around in (
        ("images", "digit 1"),
        ("wrapped", "photos/digit 1"),
        ("published", "set/valid/digit 1"),
        ("folds", "fold1/digit 1"),
        ("inner", "digit 1/test"),
    ):
        images = folder(root / name)
        assert images[f"{around}/3.png"].folder is None
        assert images[f"{around}/a/0.png"].folder == f"{around}/a"


def test_annotations_name_split_and_group(folder_of_images: Path) -> None:
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,test,s1\ndigit 1/0.png,,s2\n"
    )
    images = folder(folder_of_images, annotations="a.csv")
    assert (images["digit 0/0.png"].split, images["digit 0/0.png"].group) == ("test", "s1")
    assert (images["digit 1/0.png"].split, images["digit 1/0.png"].group) == (None, "s2")
    assert (images["digit 2/0.png"].split, images["digit 2/0.png"].group) == (None, None)


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "<NA>", "NaT", "", " ", "NA", "N/A", "None", "null"]
)
def test_annotations_without_a_split_and_a_group_as_pandas_writes_them(
    folder_of_images: Path, cell: str
) -> None:
    (folder_of_images / "a.csv").write_text(f"file,split,group\ndigit 0/0.png,{cell},{cell}\n")
    image = folder(folder_of_images, annotations="a.csv")["digit 0/0.png"]
    assert (image.split, image.group) == (None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"file,group\ndigit 0/0.png,{1001 * 'g'}\n", "line 2: 'gggg"),
        ("file,split\ndigit 0/0.png,later\n", "line 2: split 'later'; allowed: train"),
        ("file,split\ndigit 0/99.png,train\n", "the first is 'digit 0/99.png'"),
        ("name,split\na,train\n", "needs a column 'file' and a column 'split' or 'group'"),
        ("", "needs a column 'file'"),
        (
            "file,group,split\ndigit 0/0.png,g1,test\n./digit 0/0.png,g2,train\n",
            "a.csv, line 3: 'digit 0/0.png' has another split or group in a line before",
        ),
        ("file,split\ndigit 0/0.png,test\ndigit 0\\0.png,\n", "line 3: 'digit 0/0.png' has ano"),
        ("file,group\ndigit 0/0.png,a\n ,b\n", "line 3: names no file for its split or group"),
    ],
)
def test_annotations_that_do_not_fit(folder_of_images: Path, content: str, message: str) -> None:
    (folder_of_images / "a.csv").write_text(content)
    with pytest.raises(UserError) as caught:
        folder(folder_of_images, annotations="a.csv")
    assert message in str(caught.value)


def test_annotations_that_say_the_same_twice_and_empty_lines(folder_of_images: Path) -> None:
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,val,a\n./digit 0/0.png,validation,a\n,,nan\n"
    )
    image = folder(folder_of_images, annotations="a.csv")["digit 0/0.png"]
    assert (image.split, image.group) == ("validation", "a")


def test_annotations_must_be_tracked_with_the_images(folder_of_images: Path) -> None:
    with pytest.raises(UserError, match="must lie inside"):
        folder(folder_of_images, annotations="../a.csv")
    with pytest.raises(UserError, match="no such file"):
        folder(folder_of_images, annotations="a.csv")


@pytest.mark.usefixtures("no_csv_may_be_read")
def test_annotations_that_may_not_be_read(folder_of_images: Path) -> None:
    (folder_of_images / "a.csv").touch()
    with pytest.raises(UserError, match=r"annotations: .*a.csv cannot be read: Permission denied"):
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


def test_names_that_count_from_one_and_names_in_another_order(folder_of_images: Path) -> None:
    params = {"source": "folder", "path": folder_of_images}
    names = ["digit 2", "digit 0", "digit 1"]
    assert find(IngestParams.model_validate({**params, "class_names": names})).classes == (*names,)
    for label in (0, 1, 2):
        (folder_of_images / f"digit {label}").rename(folder_of_images / str(label + 1))
    found = find(IngestParams.model_validate({**params, "class_names": ["b", "c", "a"]}))
    assert found.classes == ("b", "c", "a")
    assert {image.name[0]: image.label for image in found.images} == {"1": "b", "2": "c", "3": "a"}


def test_a_name_for_a_class_that_is_not_there(folder_of_images: Path) -> None:
    shutil.rmtree(folder_of_images / "digit 2")
    for label in (0, 1):
        (folder_of_images / f"digit {label}").rename(folder_of_images / str(label))
    with pytest.raises(
        UserError, match="'c' names the label 2, which no image has; there are 0, 1"
    ):
        folder(folder_of_images, class_names=["a", "b", "c"])


def test_names_that_are_no_utf_8(folder_of_images: Path) -> None:
    wanted = np.asarray(Image.open(folder_of_images / "digit 0" / "0.png"))
    directory = folder_of_images / "digit 0"
    (directory / "0.png").rename(directory / os.fsdecode(b"\xe9.png"))
    (folder_of_images / "digit 2").rename(folder_of_images / os.fsdecode(b"\xff"))
    images = folder(folder_of_images)
    np.testing.assert_array_equal(np.asarray(images["digit 0/\\xe9.png"].open()), wanted)
    assert {image.label for image in images.values()} == {"digit 0", "digit 1", "\\xff"}


def test_annotations_find_files_however_their_names_are_spelled(folder_of_images: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é.png")
    (folder_of_images / "digit 0" / "0.png").rename(folder_of_images / "digit 0" / decomposed)
    (folder_of_images / "a.csv").write_text("file,group\n.\\digit 0\\é.png,a\n./digit 1/0.png,b\n")
    images = folder(folder_of_images, annotations="a.csv")
    groups = {name: image.group for name, image in images.items() if image.group}
    assert groups == {f"digit 0/{decomposed}": "a", "digit 1/0.png": "b"}


def test_what_is_left_aside_is_counted(folder_of_images: Path) -> None:
    for name in ("digit 0/.DS_Store", "digit 1/Thumbs.db", "digit 1/n.txt", "README", "a.png"):
        (folder_of_images / name).touch()
    os.mkfifo(folder_of_images / "digit 1" / "f.png")
    skipped = find(IngestParams(source="folder", path=folder_of_images)).skipped
    assert skipped == {
        HIDDEN: (2, "digit 0/.DS_Store"),
        ".txt files": (1, "digit 1/n.txt"),
        "files without an ending": (1, "README"),
        "not in a class folder": (1, "a.png"),
        SPECIAL: (1, "digit 1/f.png"),
    }


def test_images_that_are_not_read_are_told(folder_of_images: Path) -> None:
    for number in range(3):
        (folder_of_images / "digit 0" / f"IMG_{number}.DNG").touch()
    (folder_of_images / "digit 0" / "scan.svg").touch()
    (doubt,) = find(IngestParams(source="folder", path=folder_of_images)).doubts
    assert doubt == (
        "4 images are in a format that is not read, such as digit 0/IMG_0.DNG: "
        ".dng: develop to JPEG or TIFF; .svg: save as PNG or JPEG"
    )
    (folder_of_images / "scans").mkdir()
    (folder_of_images / "scans" / "1.svg").touch()
    with pytest.raises(
        UserError, match=r"class 'scans' .* no images that are read; scans/1.svg: s"
    ):
        folder(folder_of_images)


def test_an_empty_class_folder_is_refused_but_not_what_systems_leave(
    folder_of_images: Path,
) -> None:
    (folder_of_images / "__MACOSX" / "digit 0").mkdir(parents=True)
    assert len(folder(folder_of_images)) == 36
    (folder_of_images / "digit 3").mkdir()
    with pytest.raises(UserError, match="digit 3' holds no images: fill it or delete it"):
        folder(folder_of_images)


def test_the_names_of_files_say_splits(folder_of_images: Path) -> None:
    for file in folder_of_images.rglob("*.png"):
        split = "test" if file.stem == "3" else "train"
        file.rename(file.with_name(f"{split}_{file.name}"))
    found = find(IngestParams(source="folder", path=folder_of_images))
    assert found.understood == (
        "published splits: train from names of files; test from names of files",
    )
    splits = {image.name: image.split for image in found.images}
    assert splits["digit 0/test_3.png"] == "test"
    assert splits["digit 0/train_4.png"] == "train"
    (folder_of_images / "digit 0" / "train_4.png").rename(folder_of_images / "digit 0" / "4.png")
    assert {image.split for image in folder(folder_of_images).values()} == {None}


def test_a_class_folder_of_other_files_says_which(folder_of_images: Path) -> None:
    (folder_of_images / "scans").mkdir()
    for name in ("1.npy", "2.npy", "notes.txt", ".DS_Store"):
        (folder_of_images / "scans" / name).touch()
    with pytest.raises(UserError, match=r"holds no images \(2 × .npy, 1 × .txt\): fill it or"):
        folder(folder_of_images)


@pytest.mark.parametrize(
    ("empty", "file", "told"),
    [
        ("photos/bird", None, "class folder '.*/photos/bird' holds no images: fill it"),
        ("photos/bird", "1.npy", r"photos/bird' holds no images \(1 × .npy\): fill it"),
        ("photos/bird/young/small", None, "/photos/bird' holds no images: fill it"),
        ("bird", None, "/bird' holds no images: fill it"),
        ("photos/.bird", None, None),
        ("photos/digit 0/young", None, None),
        ("photos/digit 0/notes", "1.txt", None),
    ],
)
@pytest.mark.parametrize("source", ["folder", "zip", "tar"])
def test_a_class_without_images_does_not_disappear(
    folder_of_images: Path, source: str, empty: str, file: str | None, told: str | None
) -> None:
    root = folder_of_images.parent / "set"
    root.mkdir()
    folder_of_images.rename(root / "photos")
    (root / empty).mkdir(parents=True)
    if file is not None:
        (root / empty / file).touch()
    path = root if source == "folder" else Path(shutil.make_archive(str(root), source, root))
    params = IngestParams(source="folder" if source == "folder" else "archive", path=path)
    if told is None:
        assert find(params).classes == ("digit 0", "digit 1", "digit 2")
    else:
        with pytest.raises(UserError, match=told):
            find(params)
        assert find(params.model_copy(update={"files": "*.png"})).total == 36


@pytest.mark.parametrize("beside", ["docs", "val"])
@pytest.mark.parametrize("source", ["folder", "zip"])
def test_a_class_that_one_split_lacks_and_what_lies_beside_splits_are_no_empty_classes(
    folder_of_images: Path, source: str, beside: str
) -> None:
    root = folder_of_images.parent / "set"
    for split in ("train", "test"):
        shutil.copytree(folder_of_images, root / split)
    shutil.rmtree(root / "test" / "digit 2")
    for name in ("test/digit 2", beside):
        (root / name).mkdir()
    (root / beside / "notes.pdf").touch()
    path = root if source == "folder" else Path(shutil.make_archive(str(root), source, root))
    params = IngestParams(source="folder" if source == "folder" else "archive", path=path)
    assert find(params).classes == ("digit 0", "digit 1", "digit 2")
    (root / "train" / "digit 3").mkdir()
    path = root if source == "folder" else Path(shutil.make_archive(str(root), source, root))
    with pytest.raises(UserError, match="train/digit 3' holds no images"):
        find(params)


@pytest.mark.parametrize("source", ["folder", "zip", "tar"])
def test_a_class_of_which_all_is_synthetic(folder_of_images: Path, source: str) -> None:
    for name in ("1.synthetic.png", "2.synthetic.png", ".hidden.png"):
        (folder_of_images / "made").mkdir(exist_ok=True)
        (folder_of_images / "made" / name).touch()
    root = str(folder_of_images)
    path = folder_of_images if source == "folder" else Path(shutil.make_archive(root, source, root))
    with pytest.raises(UserError) as caught:
        find(IngestParams(source="folder" if source == "folder" else "archive", path=path))
    assert str(caught.value) == (
        f"class folder '{path}/made' holds no images, but some that are synthetic by their names "
        "(2, such as 1.synthetic.png): add real ones, or leave the class out by ingest.files"
    )


def test_class_folders_of_links_into_a_flat_folder(folder_of_images: Path) -> None:
    root = folder_of_images.parent / "set"
    for number, file in enumerate(sorted(folder_of_images.rglob("*.png"))):
        link = root / file.parent.name / f"{number}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        (root / "all").mkdir(exist_ok=True)
        file.rename(root / "all" / link.name)
        link.symlink_to(f"../all/{link.name}")
    with pytest.raises(UserError) as caught:
        folder(root)
    assert str(caught.value) == (
        f"class folder '{root}/digit 0' holds no images, but links (12, such as 0.png) to images "
        "that count where they lie: leave these out by ingest.files, or keep them outside of "
        "ingest.path"
    )
    images = folder(root, files="digit*")
    assert len(images) == 36
    assert {image.label for image in images.values()} == {"digit 0", "digit 1", "digit 2"}
    for file in (root / "all").iterdir():  # or all in the folder around the classes
        file.rename(root / file.name)
    (root / "all").rmdir()
    for name in images:
        (root / name).unlink()
        (root / name).symlink_to(f"../{Path(name).name}")
    assert folder(root, files="*/*").keys() == images.keys()


def test_two_classes_of_one_name_are_refused(folder_of_images: Path) -> None:
    with pytest.raises(UserError, match="class_names: 'a' is there twice"):
        folder(folder_of_images, class_names=["a", "a", "b"])


def test_a_folder_that_may_be_a_split_is_doubted(folder_of_images: Path) -> None:
    root = folder_of_images.parent / "set"
    for name in ("train", "later"):
        shutil.copytree(folder_of_images, root / name)
    found = find(IngestParams(source="folder", path=root))
    assert found.classes == ("later", "train")
    (doubt,) = found.doubts
    assert doubt == (
        "classes are later, train, the outer folders, and not digit 0, digit 1, digit 2 in them: "
        "if they are splits, call them train, validation and test"
    )
