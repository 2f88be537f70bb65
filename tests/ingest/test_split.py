import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_augment.errors import UserError
from gan_augment.ingest import split as splitting
from gan_augment.ingest.split import VALIDATION, assign, check, missing_classes
from gan_augment.params import Split
from gan_augment.table import SPLITS

CLASSES = ("a", "b", "c")


@st.composite
def grouped(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Return labels and groups; some span classes, every class has at least six of its own."""
    labels, groups = [], []
    for label in range(3):
        for number in range(draw(st.integers(6, 15))):
            size = draw(st.integers(1, 4))
            labels += [label] * size
            groups += [f"{label}-{number}"] * size
    for number in range(draw(st.integers(0, 3))):
        labels += [0, 1]
        groups += [f"mixed-{number}"] * 2
    return labels, groups


def none_straddles(groups: list[str], splits: list[str]) -> bool:
    return len(set(zip(groups, splits, strict=True))) == len(set(groups))


@given(grouped(), st.integers(0, 9))
def test_no_group_straddles_and_every_class_is_everywhere(
    data: tuple[list[int], list[str]], seed: int
) -> None:
    labels, groups = np.array(data[0]), data[1]
    splits = assign(labels, groups, [None] * len(labels), CLASSES, Split(), seed)
    assert none_straddles(groups, splits)
    for label in range(3):
        assert {s for s, y in zip(splits, labels, strict=True) if y == label} == set(SPLITS)


@given(grouped(), st.sampled_from(["stratified", "hash"]), st.data())
def test_given_splits_are_kept_and_no_group_straddles(
    data: tuple[list[int], list[str]], way: str, drawn: st.DataObject
) -> None:
    labels, groups = np.array(data[0]), data[1]
    of_group = {
        group: drawn.draw(st.sampled_from([None, None, None, *SPLITS])) for group in set(groups)
    }
    of_group |= {f"{label}-0": "train" for label in range(3)}
    said = [of_group[group] for group in groups]
    settings = Split.model_validate({"assign": way})
    splits = assign(labels, groups, said, CLASSES, settings, 0)
    assert none_straddles(groups, splits)
    assert all(s is None or s == found for s, found in zip(said, splits, strict=True))


@given(st.integers(20, 200), st.integers(0, 9))
def test_single_images_are_split_in_the_aimed_shares(n: int, seed: int) -> None:
    labels = np.zeros(n, np.int64)
    groups = [str(i) for i in range(n)]
    splits = assign(labels, groups, [None] * n, ("a",), Split(), seed)
    for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        assert abs(splits.count(name) - share * n) <= 1


def test_the_seed_decides() -> None:
    arguments = (np.zeros(50, np.int64), [str(i) for i in range(50)], [None] * 50, ("a",))
    for way in ("stratified", "hash"):
        settings = Split.model_validate({"assign": way})
        assert assign(*arguments, settings, 1) == assign(*arguments, settings, 1)
        assert assign(*arguments, settings, 1) != assign(*arguments, settings, 2)


@given(st.integers(100, 200), st.integers(0, 100))
def test_assigned_by_hash_no_image_moves_when_others_come_or_go(n: int, more: int) -> None:
    settings = Split(assign="hash")
    names = [f"{i:03d}" for i in range(n + more)]
    every = assign(np.zeros(n + more, np.int64), names, [None] * (n + more), "a", settings, 0)
    some = assign(np.zeros(n, np.int64), names[:n], [None] * n, "a", settings, 0)
    assert every[:n] == some


def test_hashes_meet_the_shares_roughly() -> None:
    groups = [str(i) for i in range(5000)]
    settings = Split(assign="hash", train=0.7, validation=0.2, test=0.1)
    splits = assign(np.zeros(5000, np.int64), groups, [None] * 5000, "a", settings, 3)
    for name, share in zip(SPLITS, (0.7, 0.2, 0.1), strict=True):
        assert abs(splits.count(name) / 5000 - share) < 0.02


def test_a_group_given_in_two_splits_is_refused() -> None:
    labels = np.zeros(6, np.int64)
    said = ["test", "test", None, None, None, None]
    groups = ["g", "h", "i", "j", "k", "h"]
    splits = assign(labels, groups, said, ("a",), Split(), 0)
    assert splits[:2] == ["test", "test"]
    assert splits[5] == "test"  # of group h
    with pytest.raises(UserError, match="group 'h' is given in test and in train"):
        assign(labels, groups, [*said[:5], "train"], ("a",), Split(), 0)


@pytest.mark.parametrize("way", ["stratified", "hash"])
def test_a_split_that_was_not_published_is_taken_out_of_train(way: str) -> None:
    labels = np.arange(400) % 2
    groups = [str(i) for i in range(400)]
    said = ["test" if i < 80 else "train" for i in range(400)]
    splits = assign(labels, groups, said, "ab", Split.model_validate({"assign": way}), 0)
    assert splits[:80] == ["test"] * 80
    assert set(splits[80:]) == {"train", "validation"}
    # 0.2 of 0.6 + 0.2, as the shares of what is left say
    slack = 0 if way == "stratified" else 25
    assert abs(splits.count("validation") - 80) <= slack
    said[100] = "validation"
    assert assign(labels, groups, said, "ab", Split(), 0) == said


@pytest.mark.parametrize(
    ("groups", "places", "message"),
    [
        (["1"], {"train"}, "class 'b' has 1 separable group of images and none in validation and"),
        (["1", "2"], {"train", "test"}, "class 'b' has 2 separable groups of images and none in v"),
        (["1"] * 9, {"train"}, "class 'b' has 1 separable group of images and none in validation"),
    ],
)
def test_a_class_of_few_groups_is_told_of(
    groups: list[str], places: set[str], message: str
) -> None:
    labels = np.array([0] * 5 + [1] * len(groups))
    names = [f"a{i}" for i in range(5)] + groups
    splits = assign(labels, names, [None] * len(labels), ("a", "b"), Split(), 0)
    assert set(splits[5:]) == places
    assert set(splits[:5]) == set(SPLITS)
    sentence, of_validation = missing_classes(labels, names, splits, ("a", "b"))
    assert sentence.startswith(message)
    assert of_validation.startswith("all of validation is of class 'a'")


def test_a_class_without_training_images_is_refused() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    said = [None] * 4 + ["test", "validation"]
    with pytest.raises(UserError, match="class 'b' has no training image"):
        assign(labels, list("uvwxyz"), said, ("a", "b"), Split(), 0)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([(2, 0, 1), (1, 0, 1)], "no image is left for validation, on which choices are made"),
        ([(2, 1, 0), (1, 1, 0)], "the test split has no image: to compare takes two classes"),
        ([(2, 1, 1), (1, 1, 0)], "the test split has images of class 'a' only: to compare"),
    ],
)
def test_a_split_on_which_nothing_can_be_measured_is_refused(
    counts: list[tuple[int, int, int]], message: str
) -> None:
    labels = np.repeat([0, 1], [sum(row) for row in counts])
    given = [s for row in counts for s, n in zip(SPLITS, row, strict=True) for _ in range(n)]
    with pytest.raises(UserError, match=message):
        check(labels, given, ("a", "b"))


def test_validation_of_one_class_is_told_of() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    splits = ["train", "validation", "test", "train", "test"]
    told = missing_classes(labels, list("uvwxy"), splits, ("a", "b"))
    assert len(told) == 2
    assert told[1].startswith("all of validation is of class 'a': what is chosen there")


def test_two_classes_in_test_and_an_image_in_validation_suffice() -> None:
    check(np.array([0, 0, 0, 1, 1]), ["train", "validation", "test", "train", "test"], ("a", "b"))


def test_groups_are_placed_by_hand_the_largest_first() -> None:
    """Groups of 4, 3, 2, 1, 1 and 1; aims 6, 3, 3; each goes where (missing − n/2) / aim is most.

    Train 4 (missing 2), validation 3 (0), test 2 (1); of the ones train takes the first at 1.5 / 6
    against 0.5 / 3, test the next at 1 / 6 against 1 / 12, train the last.
    """
    groups = list("aaaabbbccdef")
    settings = Split(train=0.5, validation=0.25, test=0.25)
    for seed in range(5):
        splits = assign(np.zeros(12, np.int64), groups, [None] * 12, ("x",), settings, seed)
        assert splits[:9] == ["train"] * 4 + ["validation"] * 3 + ["test"] * 2
        assert sorted(splits[9:]) == ["test", "train", "train"]


@pytest.mark.parametrize(("size", "where"), [(1, "validation"), (2, "train")])
def test_a_group_counts_by_half(size: int, where: str) -> None:
    """Train misses 3 of 6, validation 2 of 3: 2.5 / 6 against 1.5 / 3; of two 2 / 6 each."""
    said = ["train"] * 3 + ["validation"] + ["test"] * (8 - size) + [None] * size
    groups = [str(i) for i in range(12 - size)] + ["open"] * size
    settings = Split(train=0.5, validation=0.25, test=0.25)
    splits = assign(np.zeros(12, np.int64), groups, said, ("x",), settings, 0)
    assert splits[-size:] == [where] * size


def test_a_rare_class_weighs_more_than_a_common_one() -> None:
    """The open group is two of 80 images of a, which misses training images, and two of six of b.

    Shares of a class count: b, which misses its validation images, decides.
    """
    said = ["train"] * 40 + ["test"] * 20 + ["validation"] * 18 + ["train"] * 3 + ["test"]
    labels = np.array([0] * 78 + [1] * 4 + [0, 0, 1, 1])
    groups = [f"{i:02d}" for i in range(82)] + ["open"] * 4
    splits = assign(labels, groups, [*said, *[None] * 4], ("a", "b"), Split(), 0)
    assert splits[-4:] == ["validation"] * 4


@pytest.mark.parametrize(
    ("said", "splits"),
    [
        ([None, None], ["train", "test"]),
        (["train", None], ["train", "test"]),
        ([None, "train"], ["test", "train"]),
        ([None, "test"], ["train", "test"]),
        (["validation", None], ["validation", "train"]),
    ],
)
def test_a_class_of_two_groups_is_trained_and_tested(
    said: list[str | None], splits: list[str]
) -> None:
    labels = np.array([0] * 9 + [1, 1])
    names = [f"a{i}" for i in range(9)] + ["y", "z"]
    assert assign(labels, names, [None] * 9 + said, ("a", "b"), Split(), 0)[9:] == splits


def test_of_three_groups_each_goes_anywhere() -> None:
    labels, names = np.array([0] * 9 + [1] * 3), [f"{i:02d}" for i in range(12)]
    found = {tuple(assign(labels, names, [None] * 12, "ab", Split(), s)[9:]) for s in range(30)}
    assert all(set(splits) == set(SPLITS) for splits in found)
    assert len(found) > 3


@pytest.mark.parametrize("shares", [(0.6, 0.2, 0.2), (0.8, 0.1, 0.1)])
@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_class_of_three_groups_or_more_is_in_every_split(
    number: int, shares: tuple[float, float, float]
) -> None:
    """Of equal ones, too, in which both classes are, as in folds; the other splits miss less."""
    groups = [str(i % number) for i in range(20 * number)]
    labels = np.arange(20 * number) // (10 * number)
    settings = Split(train=shares[0], validation=shares[1], test=shares[2])
    for seed in range(5):
        splits = assign(labels, groups, [None] * len(labels), "ab", settings, seed)
        assert none_straddles(groups, splits)
        for label in range(2):
            assert {s for s, y in zip(splits, labels, strict=True) if y == label} == set(SPLITS)


def test_a_class_whose_groups_others_share_may_lack_a_split_and_is_told_of() -> None:
    groups = [
        *({"a": 4, "b": 4}, {"c": 1}, {"b": 2, "c": 5, "d": 3}),
        *({"a": 2, "b": 1}, {"a": 1, "b": 5, "c": 5}, {"a": 3, "b": 5, "c": 2}),
    ]
    rows = [
        (f"g{number}", "abcd".index(name))
        for number, sizes in enumerate(groups)
        for name, size in sizes.items()
        for _ in range(size)
    ]
    names, labels = [name for name, _ in rows], np.array([label for _, label in rows])
    splits = assign(labels, names, [None] * len(rows), "abcd", Split(), seed=12)
    assert missing_classes(labels, names, splits, "abcd")[0].startswith(
        "class 'c' has 4 separable groups of images and none in validation"
    )


def test_of_two_published_groups_of_training_images_one_is_for_validation() -> None:
    groups, said = list("vvwwwwxxxx"), ["test"] * 2 + ["train"] * 8
    splits = assign(np.zeros(10, np.int64), groups, said, "a", Split(), 0)
    assert [splits.count(split) for split in SPLITS] == [4, 4, 2]


def test_a_small_class_does_not_decide_where_a_large_group_goes() -> None:
    """Most of a and b, and half of the four images of c, are from one site: it is trained on."""
    labels = np.repeat([0, 1, 2], [90, 90, 4])
    alone = [f"{i:03d}" for i in range(60)]
    groups = [*["north"] * 60, *alone[:30], *["north"] * 60, *alone[30:], *["a", "north"] * 2]
    for seed in range(5):
        splits = assign(labels, groups, [None] * 184, "abc", Split(), seed)
        assert splits[0] == "train"
        assert splits[-4:] == ["test", "train"] * 2


def test_the_seed_decides_which_image_of_two_is_tested() -> None:
    labels, names = np.array([0] * 9 + [1] * 2), [f"{i:02d}" for i in range(11)]
    found = {tuple(assign(labels, names, [None] * 11, "ab", Split(), s)[9:]) for s in range(9)}
    assert found == {("train", "test"), ("test", "train")}


def test_a_class_is_trained_on_rather_than_others_tested() -> None:
    """Of the group that is left a and b want a test image, and c its only training image."""
    labels, groups = np.array([0] * 7 + [1] * 7 + [2]), list("vvvvvvwxxxxxxww")
    assert assign(labels, groups, [None] * 15, "abc", Split(), 0) == ["train"] * 15


def test_where_a_group_goes_does_not_depend_on_the_order_of_images() -> None:
    labels, groups = np.arange(60) % 2, [f"{i:02d}" for i in range(60)]
    there = dict(zip(groups, assign(labels, groups, [None] * 60, "ab", Split(), 0), strict=True))
    order = np.random.default_rng(0).permutation(60)
    shuffled = [groups[i] for i in order]
    again = assign(labels[order], shuffled, [None] * 60, "ab", Split(), 0)
    assert dict(zip(shuffled, again, strict=True)) == there


def test_aims_by_hand() -> None:
    """Validation is given and closed: the others share what is not in it, an image at least."""
    place = np.array([-1, -1, VALIDATION, -1, -1])
    sizes = np.array([[4, 0, 0], [2, 2, 0], [3, 1, 0], [0, 1, 1], [1, 0, 0]])
    aim, placed = splitting._aims(place, sizes, np.array([0.4, 0, 0.1]))
    # Of 7, 3 and 1 images that are not there a fifth is tested: 1.4, 0.6 and 0.2.
    np.testing.assert_allclose(aim, [[5.6, 1, 1.4], [2, 1, 1], [1, 1, 1]])
    assert placed.tolist() == [[0, 3, 0], [0, 1, 0], [0, 0, 0]]
