import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gan_augment.errors import UserError
from gan_augment.ingest import groups
from gan_augment.ingest.groups import Contradiction
from gan_augment.params import Group
from tests.conftest import ROOT

NAMES = ["cat/sofa/01-a.jpg", "cat/sofa/02-b.jpg", "cat/03-a.jpg", "04-a.jpg"]
FOLDERS = ["cat/sofa", "cat/sofa", None, None]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("given", [None, "mine", None, None]),
        ("folder", ["cat/sofa", "mine", None, None]),
        ({"pattern": r"-(\w)\.jpg"}, ["a", "mine", "a", "a"]),
        ({"pattern": r"cat/\d+"}, [None, "mine", "cat/03", None]),
    ],
)
def test_groups_are_given_or_told_by_names(group: object, expected: list[str | None]) -> None:
    given_groups = [None, "mine", None, None]
    asked = Group.model_validate(group)
    assert groups.declared(NAMES, FOLDERS, given_groups, asked) == expected


@pytest.mark.parametrize(
    ("group", "given", "message"),
    [
        ("folder", None, "folder groups no image; the images are called such as 'cat/scan1_1.png'"),
        ({"pattern": r"^(scan\d+)_"}, None, r"the pattern '^(scan\d+)_' groups no image; "),
        ({"pattern": "[A-Z]*"}, None, "groups no image; "),
        (
            {"pattern": "scan"},
            None,
            "pattern 'scan' makes 1 group, of whole classes or splits; ",
        ),
        ({"pattern": r"\w+/"}, None, "makes 2 groups, of whole classes or splits; "),
        ({"pattern": r"^.*\d_"}, ["train", "test"] * 2, "makes 4 groups, of whole classes or spl"),
        ({"pattern": r"^.*\d_"}, None, None),
        ({"pattern": "dog/scan1"}, None, None),
        ("given", None, None),
    ],
)
def test_a_setting_that_keeps_no_objects_together_is_refused(
    group: object, given: list[str] | None, message: str | None
) -> None:
    asked = Group.model_validate(group)
    names = [f"{name}/scan{number}_1.png" for name in ("cat", "dog") for number in (1, 2)]
    images = pd.DataFrame(
        {
            "name": names,
            "label": [0, 0, 1, 1],
            "given": pd.array(given or [None] * 4, "string"),
            "own": pd.array(groups.declared(names, [None] * 4, [None] * 4, asked), "string"),
        }
    )
    if message is None:
        groups.check(images, asked)
    else:
        with pytest.raises(UserError) as caught:
            groups.check(images, asked)
        assert message in str(caught.value)


def test_the_documents_pattern_finds_series() -> None:
    line = next(
        line
        for line in (ROOT / "docs" / "ingestion.md").read_text().splitlines()
        if "group: {pattern" in line
    )
    setting = yaml.safe_load(line.split("`")[1])
    names = ["cat/scan12_1.png", "cat/scan12_2.png", "scan3_1.png"]
    found = groups.told(names, [None] * 3, Group.model_validate(setting["group"]))
    assert found == ["scan12", "scan12", "scan3"]


def test_conflicts_are_same_pixels_under_two_labels() -> None:
    images = pd.DataFrame({"id": list("abacaabdd"), "label": [0, 1, 1, 0, 0, 2, 1, 1, 0]})
    assert groups.conflicts(images) == [
        Contradiction(0, 2),
        Contradiction(2, 0),
        Contradiction(4, 2),
        Contradiction(5, 0),
        Contradiction(7, 8),
        Contradiction(8, 7),
    ]


def test_leaks_are_duplicates_in_an_earlier_given_split() -> None:
    images = pd.DataFrame(
        {
            "cluster": [0, 0, 0, 1, 1, 2, 2],
            "given": ["train", "test", "test", "train", None, "validation", "train"],
            "own": pd.array([None] * 7, "string"),
            "id": list("abcdefg"),
        },
        index=[1, 2, 4, 5, 7, 8, 9],
    )
    images["group"] = groups.join(images)
    assert groups.leaks(images) == [Contradiction(1, 2), Contradiction(9, 8)]


def test_leaks_are_whole_groups_that_duplicates_tie_to_a_later_split() -> None:
    images = pd.DataFrame(
        {
            "cluster": [0, 1, 2, 0, 3, 4],
            "given": ["train", "train", None, "test", "train", "test"],
            "own": pd.array(["sofa", "sofa", "sofa", None, "chair", "chair"], "string"),
            "id": list("abcadef"[:6]),
        }
    )
    images["group"] = groups.join(images)
    # The chairs are given in two splits by whoever grouped them: that is refused elsewhere.
    assert groups.leaks(images) == [Contradiction(0, 3), Contradiction(1, 3)]


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from([None, None, "g", "h", "i", "j"])),
        min_size=1,
        max_size=20,
    )
)
def test_neither_group_nor_cluster_is_torn(images: list[tuple[int, str | None]]) -> None:
    cluster, own = zip(*images, strict=True)
    frame = pd.DataFrame(
        {"cluster": cluster, "own": pd.array(own, "string"), "id": [f"{c:032d}" for c in cluster]}
    )
    joined = groups.join(frame)
    assert joined.notna().all()
    assert (joined.groupby(frame["cluster"]).nunique() == 1).all()
    assert (joined.groupby(frame["own"]).nunique() == 1).all()
    # the order of the images does not matter
    order = np.random.default_rng(0).permutation(len(frame))
    pd.testing.assert_series_equal(
        groups.join(frame.iloc[order]).sort_index(), joined, check_names=False
    )


def test_what_nothing_connects_stays_apart() -> None:
    frame = pd.DataFrame(
        {
            "cluster": [0, 1, 1, 2],
            "own": pd.array(["g", None, None, "g"], "string"),
            "id": list("zyxw"),
        }
    )
    assert groups.join(frame).tolist() == ["g", "x", "x", "g"]


def joined(cluster: list[int], own: list[str | None]) -> list[str]:
    ids = [f"id {number}" for number in range(len(own))]
    frame = pd.DataFrame({"cluster": cluster, "own": pd.array(own, "string"), "id": ids})
    return groups.join(frame).tolist()


def test_clusters_connect_groups_and_groups_clusters() -> None:
    assert joined([0, 0, 1], ["h", "g", "h"]) == ["g", "g", "g"]
    assert joined([0, 1, 1, 2], ["h", "h", "g", "g"]) == ["g", "g", "g", "g"]
    assert joined([0, 1, 2], ["h", "g", None]) == ["h", "g", "id 2"]
    assert joined([0, 1, 2, 3, 3], [None, "k", "j", "i", None]) == ["id 0", "k", "j", "i", "i"]
