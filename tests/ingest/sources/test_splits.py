import pytest

from gan_augment.errors import UserError
from gan_augment.ingest.sources.splits import is_fold, split_name, split_of, split_within, told


@pytest.mark.parametrize(
    ("names", "split"),
    [
        ("train Training TRAIN train_set trainset train-images seg_train train2017 trn", "train"),
        ("val Valid validation dev Validation_Set val2017 images_val validate eval", "validation"),
        ("test Testing TEST test_set test-data seg_test t10k tst holdout", "test"),
    ],
)
def test_folders_are_called_after_splits_as_people_write_them(names: str, split: str) -> None:
    first, *others = names.split()
    assert {name: split_of(name) for name in (first, *others)} == dict.fromkeys(
        names.split(), split
    )
    assert split_of(f" {first} set") == split


@pytest.mark.parametrize(
    "name",
    ["trainer", "steam train", "contest", "latest", "valley", "device", "train_test", "", "2"],
)
def test_other_names_are_no_splits(name: str) -> None:
    assert split_of(name) is None


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-00000-of-00002", "train"),
        ("emnist-letters-test-images", "test"),
        ("Valid_0017", "validation"),
        ("cat.dev.3", "validation"),
        ("train_test_1", None),
        ("latest_17", None),
    ],
)
def test_a_word_of_a_file_s_name_says_its_split(name: str, split: str | None) -> None:
    assert split_within(name) == split


def test_cells_name_splits() -> None:
    assert split_name("Training", "row 1") == "train"
    assert split_name(" ", "row 1") is None
    assert split_name(None, "row 1") is None
    with pytest.raises(UserError, match="^row 1: split 'later'; allowed: train, validation, test"):
        split_name("later", "row 1")


def test_folds() -> None:
    assert all(map(is_fold, ["fold1", "Fold_02", "cv3", "k-fold 4"]))
    assert not any(map(is_fold, ["folder", "fold", "unfold1", "cv"]))


def test_what_was_read_is_told() -> None:
    pairs = [("test", "b"), ("train", "a"), ("train", "A"), ("test", "b")]
    assert told(pairs) == "published splits: train from A, a; test from b"
