import pytest

from gan_augment.ingest.sources.layout import Layout, Place, understand


def read(*folders: str) -> Layout:
    return understand(tuple(folder.split("/")) if folder else () for folder in folders)


def places(layout: Layout) -> dict[str, Place]:
    return {"/".join(folder): place for folder, place in layout.places.items()}


def test_classes_nested_as_you_like() -> None:
    layout = read("cat", "cat/young", "dog", "")
    assert places(layout) == {"cat": Place("cat"), "cat/young": Place("cat"), "dog": Place("dog")}
    assert not layout.understood


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST"), ("train_set", "test_set")],
)
def test_splits_above_classes(train: str, test: str) -> None:
    layout = read(f"{train}/cat", f"{train}/dog", f"{test}/cat", f"{test}/dog")
    assert places(layout) == {
        f"{train}/cat": Place("cat", "train"),
        f"{train}/dog": Place("dog", "train"),
        f"{test}/cat": Place("cat", "test"),
        f"{test}/dog": Place("dog", "test"),
    }
    assert layout.understood == (f"published splits: train from {train}; test from {test}",)


def test_splits_below_classes() -> None:
    layout = read("cat/train", "cat/val", "dog/train", "dog/val")
    assert places(layout)["dog/val"] == Place("dog", "validation")
    assert layout.understood == (
        "published splits: train from train; validation from val, in each class folder",
    )


def test_a_folder_around_the_classes_of_each_split() -> None:
    layout = read("seg_train/seg_train/sea", "seg_train/seg_train/ice", "seg_test/seg_test/sea")
    assert places(layout) == {
        "seg_train/seg_train/sea": Place("sea", "train"),
        "seg_train/seg_train/ice": Place("ice", "train"),
        "seg_test/seg_test/sea": Place("sea", "test"),
    }


def test_what_lies_beside_splits_is_told() -> None:
    layout = read("train/cat", "train/dog", "test/cat", "test/dog", "extra/cat", "extra/dog")
    assert "extra/cat" not in places(layout)
    assert "what lies beside them is not read: extra" in layout.understood[0]


def test_folds_become_groups() -> None:
    layout = read("fold1/cat", "fold1/dog", "fold2/cat", "fold2/dog")
    assert places(layout)["fold2/dog"] == Place("dog", group="fold2")
    assert layout.understood == ("folds: fold1, fold2, each of which stays in one split",)


def test_a_folder_around_everything() -> None:
    layout = read("set/images/cat", "set/images/dog/old")
    assert places(layout) == {
        "set/images/cat": Place("cat"),
        "set/images/dog/old": Place("dog"),
    }
    assert layout.understood == ("classes are the folders in set/images",)


@pytest.mark.parametrize(
    "folders",
    [
        ("train/a", "bus"),  # one such name only
        ("train/a", "test/b", "bus"),  # vehicles and exams
        ("fold1", "fold2"),
        ("cat/train", "dog"),
    ],
)
def test_names_alone_make_no_splits(folders: tuple[str, ...]) -> None:
    layout = read(*folders)
    assert {place.split for place in layout.places.values()} == {None}
    assert {place.label for place in layout.places.values()} == {f.split("/")[0] for f in folders}


def test_images_in_splits_without_classes_are_told() -> None:
    layout = read("train", "test")
    assert not layout.places
    assert layout.outside == "in no class folder of a published split"


def test_which_folders_are_the_classes_is_doubted_where_all_hold_the_same() -> None:
    layout = read("2023/bolts", "2023/nuts", "2024/bolts", "2024/nuts")
    assert {place.label for place in layout.places.values()} == {"2023", "2024"}
    assert layout.doubts == (
        "classes are 2023, 2024, the outer folders, and not bolts, nuts in them: if they are "
        "years, sites or cameras, make the class folders the outer ones",
    )
    assert not layout.understood
