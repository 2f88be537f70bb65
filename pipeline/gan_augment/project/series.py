"""Names of images that tell of series: several pictures of one thing, which belong in one split."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from gan_augment.ingest.groups import told
from gan_augment.params import Group

PATTERNS = {
    r"^(.+)\.rf\.[0-9a-f]+\.\w+$": "copies that an annotation service made of one picture",
    r"^(.*\d)(?:[-_ .]+[A-Za-z]*\d+|[-_ .]*[A-Za-z]+)\.\w+$": "a number, and then one or a word",
}
"""What the first group of a pattern finds in a name is its series; and how such names look."""
MIN_SERIES = 5
"""Names tell of series only if there are so many in a class,"""
MAX_LENGTH = 50
"""of so many images at most, as a median: a longer one is a batch or a date."""
SHARE = 0.5
"""and this share of all images has company."""


def series(names: Iterable[tuple[str, str]]) -> str | None:
    """Return the pattern that finds series in names of images, or None.

    Args:
        names: the name and the class of each image.
    """
    names = list(names)
    for pattern in PATTERNS:
        expression = re.compile(pattern)
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for name, label in names:
            if match := expression.search(name):
                found[label][match[1]] += 1
        lengths = sorted(n for counts in found.values() for n in counts.values() if n > 1)
        several = any(len(counts) >= MIN_SERIES for counts in found.values())
        if several and sum(lengths) >= SHARE * len(names) and _median(lengths) <= MAX_LENGTH:
            return pattern
    return None


def groups(names: Iterable[tuple[str, str]], pattern: str) -> dict[str, int]:
    """Return how many groups a pattern makes of each class.

    Images in whose names it finds nothing are groups of one.

    Args:
        names: the name and the class of each image.
        pattern: of names, as `ingest.group` takes it.
    """
    names = list(names)
    by_name = told([name for name, _ in names], (), Group.model_validate({"pattern": pattern}))
    found: dict[str, set[str]] = defaultdict(set)
    for (name, label), group in zip(names, by_name, strict=True):
        found[label].add(group or name)
    return {label: len(has) for label, has in found.items()}


def folders(names: Iterable[tuple[str, str]]) -> bool:
    """Return whether images lie in folders of a few below their class, as one folder an object."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, label in names:
        folder, _, _ = name.rpartition("/")
        found[label][folder] += 1
    lengths = sorted(n for counts in found.values() for n in counts.values())
    several = all(len(counts) >= MIN_SERIES for counts in found.values())
    return bool(lengths) and several and 1 < _median(lengths) <= MAX_LENGTH


def _median(ordered: list[int]) -> int:
    return ordered[len(ordered) // 2]
