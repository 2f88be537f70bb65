import math
from decimal import Decimal
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_augment.errors import UserError
from gan_augment.ingest.sources import labels


@pytest.mark.parametrize(
    "wanted",
    [
        ["0", "1", "2", "10", "11"],
        ["-1", "0", "0.5", "007", "8", "10"],
        ["class 2", "class 10", "class 10b"],
        ["a", "B", "c"],
        ["A", "a", "b"],
        ["1", "2", "10", "cat"],
        ["1a2", "1a10", "1b1"],
        ["", "é", "ü"],
    ],
)
def test_names_are_in_natural_order(wanted: list[str]) -> None:
    for seed in range(5):
        assert list(labels.ordered(Random(seed).sample(wanted, len(wanted)))) == wanted


def test_the_source_s_order_comes_first() -> None:
    names = ["10", "zebra", "b", "a", "2"]
    assert labels.ordered(names, ["zebra", "unused", "10"]) == ("zebra", "10", "2", "a", "b")


@given(st.lists(st.text(max_size=4), max_size=8), st.randoms())
def test_any_names_have_one_order(names: list[str], random: Random) -> None:
    once = labels.ordered(names)
    random.shuffle(names)
    assert labels.ordered(names) == once
    assert set(once) == set(names)


@pytest.mark.parametrize(
    "cell",
    [None, "", "  ", math.nan, np.float32("nan"), Decimal("nan"), pd.NaT, pd.NA, b"", b" \t"],
)
def test_missing_is_missing_whatever_its_type(cell: object) -> None:
    assert labels.text(cell, "here") is None


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        (0, "0"),
        (0.0, "0"),
        (-3.0, "-3"),
        (1e15, "1000000000000000"),
        (0.5, "0.5"),
        (Decimal("7.0"), "7"),
        (True, "True"),
        ("007", "007"),
        ("nan", "nan"),
        (" cat ", " cat "),
        ("chat é".encode(), "chat é"),
    ],
)
def test_numbers_and_names_keep_their_form(cell: object, wanted: str) -> None:
    assert labels.text(cell, "here") == wanted


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (["cat", "dog"], "is not one label"),
        ({"name": "cat"}, "is not one label"),
        (math.inf, "is not the name of a class"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_what_is_not_one_label_is_refused(cell: object, message: str) -> None:
    with pytest.raises(UserError, match=f"^here.*{message}"):
        labels.text(cell, "here")


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["0.0", "1.0", "nan"], {"0.0": "0", "1.0": "1", "nan": None}),
        (["0", "1", "NaN"], {"NaN": None}),
        (["0", "1", "1.0", "2.0"], {"1.0": "1", "2.0": "2"}),
        (["007", "7.0", "-1.00"], {"7.0": "7", "-1.00": "-1"}),
        (["1", "1.0", "1.5"], {}),
        (["1.0", "1.5"], {}),
        (["007", "008"], {}),
        (["cat", "nan"], {}),
        (["cat", "1.0"], {}),
        (["nan"], {}),
        ([], {}),
    ],
)
def test_texts_of_numbers_are_read_as_pandas_writes_them(
    texts: list[str], wanted: dict[str, str | None]
) -> None:
    assert labels.as_numbers(texts) == wanted


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["cat", "Cat", "dog"], "'cat', 'Cat' differ only in case"),
        (["e\u0301", "é"], "differ only in case, spaces or the form of their letters"),
        (["cat ", "cat"], "differ only in"),
        (["train", "test"], "are called as published splits are"),
        (["cat", "dog", "cat|dog"], "'cat|dog' looks like several labels"),
        (["0", "1", "0, 1"], "looks like several labels"),
        (["cat", "['cat', 'dog']"], "looks like several labels"),
        (["cat", "NA"], "the class 'NA' is called as what is missing is"),
        (["None", "cat", "n/a"], "the class 'None', 'n/a' is called as what is missing is"),
    ],
)
def test_names_that_mislead_are_told(classes: list[str], message: str) -> None:
    (doubt,) = labels.doubts(classes)
    assert message in doubt


@pytest.mark.parametrize(
    "classes", [["cat", "dog"], ["test", "control"], ["a/b", "c"], ["train", "bus"], ["+", "-"]]
)
def test_plain_names_are_not_doubted(classes: list[str]) -> None:
    assert labels.doubts(classes) == []
