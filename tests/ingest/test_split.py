import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.ingest.split import stratified_split
from pipeline.params import Split
from pipeline.table import SPLITS

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


@given(grouped(), st.integers(0, 9))
def test_no_group_straddles_and_every_class_is_everywhere(
    data: tuple[list[int], list[str]], seed: int
) -> None:
    labels, groups = np.array(data[0]), data[1]
    splits = stratified_split(labels, groups, [None] * len(labels), CLASSES, Split(), seed)
    for group in set(groups):
        assert len({s for s, g in zip(splits, groups, strict=True) if g == group}) == 1
    for label in range(3):
        assert {s for s, y in zip(splits, labels, strict=True) if y == label} == set(SPLITS)


@given(st.integers(20, 200), st.integers(0, 9))
def test_single_images_are_split_in_the_aimed_shares(n: int, seed: int) -> None:
    labels = np.zeros(n, np.int64)
    groups = [str(i) for i in range(n)]
    splits = stratified_split(labels, groups, [None] * n, ("a",), Split(), seed)
    for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        assert abs(splits.count(name) - share * n) <= 1


def test_the_seed_decides() -> None:
    arguments = (np.zeros(50, np.int64), [str(i) for i in range(50)], [None] * 50, ("a",), Split())
    assert stratified_split(*arguments, 1) == stratified_split(*arguments, 1)
    assert stratified_split(*arguments, 1) != stratified_split(*arguments, 2)


def test_given_splits_are_kept_and_leaks_refused() -> None:
    labels = np.zeros(6, np.int64)
    given_splits = ["test", "test", None, None, None, None]
    groups = ["g", "h", "i", "j", "k", "h"]
    splits = stratified_split(labels, groups, given_splits, ("a",), Split(), 0)
    assert splits[:2] == ["test", "test"]
    assert splits[5] == "test"  # of group h
    with pytest.raises(UserError, match="group 'h' is in test and in train"):
        stratified_split(labels, groups, [*given_splits[:5], "train"], ("a",), Split(), 0)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["1"], "class 'b' has 1 image in 1 separable group; it needs at least 3"),
        (["1", "2"], "class 'b' has 2 images in 2 separable groups"),
        (["1"] * 9, "class 'b' has 9 images in 1 separable group"),
    ],
)
def test_a_class_too_small_to_split_is_refused(groups: list[str], message: str) -> None:
    labels = np.array([0] * 5 + [1] * len(groups))
    names = [f"a{i}" for i in range(5)] + groups
    with pytest.raises(UserError) as caught:
        stratified_split(labels, names, [None] * len(labels), ("a", "b"), Split(), 0)
    assert message in str(caught.value)
