"""Settings as people write them, and what only somebody else would write."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gan_augment.errors import UserError
from gan_augment.plain_yaml import DEEPEST, parse

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=20
)


@given(VALUES)
def test_what_is_written_is_read(value: object) -> None:
    assert parse(yaml.safe_dump(value), "file") == value


def test_anchors_and_merges_are_read() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"
    assert parse(text, "file") == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}
    assert parse("", "file") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "train: {steps: 1}\ntrain: {}\n",
            "file is not valid YAML: 'train' is there twice .*line 2",
        ),
        ("train:\n  steps: 1\n  steps: 2\n", "'steps' is there twice"),
        ("a: [", "file is not valid YAML"),
        ("a: " + "[" * 20_000 + "]" * 20_000, f"file: nested deeper than {DEEPEST} levels"),
        ("a: " + "[" * 60 + "]" * 60, f"file: nested deeper than {DEEPEST} levels"),
        (BOMB, "file: its aliases stand for more than 100,000 values"),
        ("a: &a [*a]", "file: nested deeper than"),
        (f"seed: 1{'0' * 5_000}", "file: Exceeds the limit"),
        ("when: 2026-13-45", "file: month must be in 1..12"),
    ],
)
def test_what_nobody_would_type_is_refused_at_once(text: str, message: str) -> None:
    began = time.process_time()
    with pytest.raises(UserError, match=message) as caught:
        parse(text, "file")
    assert len(str(caught.value)) < 300
    assert time.process_time() - began < 30
