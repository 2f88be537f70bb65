"""A value changes; whatever else the file says stays."""

from pathlib import Path

import pytest
import yaml

from gan_augment.project.amend import amend, value_at

TEXT = """\
# The top.
a:                # of a
  one: null       # about one
  list: [x, y,    # long
         "z"]
  block:          # about block
    "1": 20
    "2": 30

b:
  two: {c: 1}     # about two
  # also: more
  last: 'text'
"""


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("a.one", 32, "  one: 32         # about one"),
        ("a.one", [48, 64], "  one: [48, 64]   # about one"),
        ("a.one", "a longer text than that", "  one: a longer text than that  # about one"),
        ("a.block", {}, "  block: {}       # about block"),
        ("a.block.1", 7, '    "1": 7'),
        ("a.block.3", 7, "  block: {'1': 20, '2': 30, '3': 7}  # about block"),
        ("a.list", [], "  list: []"),
        ("b.two.c", 2, "  two: {c: 2}     # about two"),
        ("b.two.d.e", 2, "  two: {c: 1, d: {e: 2}}  # about two"),
        ("b.last.x", 1, "  last: {x: 1}"),
        ("b.last", "", "  last: ''"),
        ("b.new", True, "b: {two: {c: 1}, last: text, new: true}"),
    ],
)
def test_a_value_changes_alone(key: str, value: object, line: str) -> None:
    changed = amend(TEXT, key, value)
    assert line in changed.splitlines()
    assert value_at(changed, key) == value
    expected = yaml.safe_load(TEXT)
    place = expected
    *path, last = key.split(".")
    for part in path:
        place[part] = place[part] if isinstance(place.get(part), dict) else {}
        place = place[part]
    place[last] = value
    assert yaml.safe_load(changed) == expected
    for comment in ("# The top.", "# about one", "# of a"):
        assert comment in changed


def test_a_reason_stands_above_at_the_same_depth() -> None:
    changed = amend(TEXT, "b.two", 3, "because " + "of this " * 20)
    lines = changed.splitlines()
    at = lines.index("  two: 3          # about two")
    assert lines[at - 2].startswith("  # Chosen: because of this")
    assert all(len(line) <= 100 for line in lines)


def test_every_value_of_the_shipped_file_can_change() -> None:
    text = (Path(__file__).parents[2] / "params.yaml").read_text()
    for section, values in yaml.safe_load(text).items():
        for key in values:
            changed = yaml.safe_load(amend(text, f"{section}.{key}", "X", "why"))
            expected = yaml.safe_load(text)
            expected[section][key] = "X"
            assert changed == expected


def test_an_unknown_section() -> None:
    with pytest.raises(KeyError):
        amend(TEXT, "c.one", 1)
