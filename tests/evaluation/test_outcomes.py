from pathlib import Path

import numpy as np
import pandas as pd

from gan_augment.evaluation import outcomes
from gan_augment.table import Images

CLASSES = ("cat", "dog")


def images(labels: list[int], groups: list[str]) -> Images:
    n = len(labels)
    rows = pd.DataFrame({"id": [f"i{k}" for k in range(n)], "group": groups})
    return Images(np.zeros((n, 1, 4, 4), np.uint8), np.array(labels), CLASSES, rows)


JUDGED = {
    "validation": images([0, 1], ["v", "w"]),
    "test": images([1, 0, 1], ["x", "y", "x"]),
}
HITS = {
    (split, "k-nn", arm): np.random.default_rng(n).random((2, len(JUDGED[split]))) < 0.5
    for n, (arm, split) in enumerate((a, s) for a in ("real", "gan") for s in JUDGED)
}


def test_the_table_is_tidy() -> None:
    frame = outcomes.table(HITS, JUDGED).to_pandas()
    assert len(frame) == 2 * 2 * (2 + 3)
    line = frame[
        (frame["split"] == "test") & (frame["arm"] == "gan") & (frame["repeat"] == 1)
    ].iloc[2]
    assert (line["id"], line["group"], line["class"], line["label"]) == ("i2", "x", "dog", 1)
    assert line["right"] == HITS["test", "k-nn", "gan"][1, 2]


def test_what_is_written_is_what_is_judged(tmp_path: Path) -> None:
    told = outcomes.table(HITS, JUDGED)
    outcomes.write(tmp_path / "outcomes.parquet", told)
    for table in (told, outcomes.read(tmp_path / "outcomes.parquet")):
        test = outcomes.of_split(table, "test")
        assert test.classes == {0: "cat", 1: "dog"}
        assert (test.images, test.cases.repeats) == (3, 2)
        for arm in ("real", "gan"):
            expected = HITS["test", "k-nn", arm].ravel()
            np.testing.assert_array_equal(test.right["k-nn", arm], expected)
        assert test.group[0] == test.group[2] != test.group[1]


def test_replicates_become_repeats_with_images_of_their_own() -> None:
    """The same group in two replicates is one group still."""
    one = {key: right[:1] for key, right in HITS.items()}
    other = {**JUDGED, "test": images([0, 1, 1], ["y", "z", "z"])}
    both = outcomes.together([outcomes.table(one, JUDGED), outcomes.table(one, other)])
    test = outcomes.of_split(both, "test")
    assert test.repeat.tolist() == [0, 0, 0, 1, 1, 1]
    assert test.label.tolist() == [1, 0, 1, 0, 1, 1]
    x, y, _, again, z, _ = test.group.tolist()
    assert again == y
    assert len({x, y, z}) == 3


def test_arms_are_chosen_by_images_that_no_replicate_tests() -> None:
    one = {key: right[:1] for key, right in HITS.items()}
    validation = images([0, 1, 0, 1], ["a", "b", "c", "x"])
    first = {**JUDGED, "validation": validation}
    other = {"validation": images([0, 1], ["y", "b"]), "test": images([0, 1, 1], ["c", "z", "z"])}
    hits = {
        key: np.ones((1, 4), bool) if key[0] == "validation" else right
        for key, right in one.items()
    }
    both = outcomes.together([outcomes.table(hits, first), outcomes.table(one, other)])
    left = outcomes.untested(both)
    assert left is not None
    frame = left.to_pandas()
    assert set(frame["split"]) == {"validation"}
    # c and y are tested by the other replicate, x by the first itself.
    lines = [*zip(frame["repeat"], frame["group"], strict=True)]
    assert sorted(lines) == sorted(2 * [(0, "a"), (0, "b"), (1, "b")])


def test_where_every_image_of_a_class_is_tested_somewhere_none_is_left_to_choose_by() -> None:
    one = {key: right[:1] for key, right in HITS.items()}
    other = {**JUDGED, "test": images([0, 1, 1], ["v", "y", "y"])}
    both = outcomes.together([outcomes.table(one, JUDGED), outcomes.table(one, other)])
    assert outcomes.untested(both) is None


def test_the_outcomes_of_a_class_are_those_of_its_images() -> None:
    dogs = outcomes.of_split(outcomes.table(HITS, JUDGED), "test").of_class(1)
    assert set(dogs.label.tolist()) == {1}
    assert dogs.images == 2
    expected = HITS["test", "k-nn", "gan"][:, [0, 2]].mean()
    assert dogs.cases.scores(dogs.right["k-nn", "gan"]).mean() == expected
