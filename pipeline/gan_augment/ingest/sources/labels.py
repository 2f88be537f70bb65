"""Names of classes: as cells of tables give them, their order, and which of them mislead."""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from gan_augment.errors import UserError
from gan_augment.ingest.sources.missing import says_missing
from gan_augment.ingest.sources.splits import split_of
from gan_augment.printable import readable

LONGEST = 1_000
"""Characters of the name of a class."""


def ordered(names: Iterable[str], source: Iterable[str] = ()) -> tuple[str, ...]:
    """Return distinct names of classes in the order of their integers.

    Names that the source numbers come first and keep its order. Others follow by their value if
    all are numbers, else in natural order: 2 before 10, upper and lower case alike.
    """
    given = {name: number for number, name in enumerate(dict.fromkeys(source))}
    names = set(names)
    rest = names - given.keys()
    key = float if all(map(_is_number, rest)) else natural
    return (
        *sorted(names & given.keys(), key=given.__getitem__),
        *sorted(rest, key=lambda name: (key(name), name)),
    )


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key by which names are in natural order: img_2 before img_10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def text(cell: Any, where: str) -> str | None:
    """Return the label that a cell of a table gives, or None where it gives none.

    Whole numbers are written without a point, since a missing one makes floats of all others.

    Raises:
        UserError: it is not one label; `where` says whose it is.
    """
    if hasattr(cell, "item"):
        cell = cell.item()  # a number of NumPy's
    if missing(cell):
        return None
    match cell:
        case bytes():
            try:
                return text(cell.decode(), where)
            except UnicodeDecodeError:
                raise UserError(f"{where}: the label {cell!r} is not UTF-8 text") from None
        case float() | Decimal():
            if math.isfinite(cell):
                return str(int(cell)) if cell == int(cell) else str(cell)
            raise UserError(f"{where}: the label {cell} is not the name of a class")
        case list() | dict() | tuple():
            raise UserError(
                f"{where}: {cell!r:.80} is not one label; an image needs one class: keep the "
                "images that have one, or name another column in ingest.columns.label"
            )
    return named(str(cell), where)


def group(cell: Any, where: str) -> str | None:
    """Return the group in a cell, or None where it gives none, in whatever words.

    Raises:
        UserError: as `text`.
    """
    found = text(cell, where)
    return None if found is None or says_missing(found) else found


def named(name: str, where: object) -> str:
    """Return the name of a class as it is shown: on one line, without control characters.

    Raises:
        UserError: it is longer than a name is.
    """
    if len(name) > LONGEST:
        raise UserError(f"{where}: {name[:40]!r}… has {len(name):,} characters: no name is so long")
    return readable(name)


def missing(cell: Any) -> bool:
    """Return whether a cell of a table is empty: nothing, blank, or not a number (NaN, NaT, NA)."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or str(cell) in ("NaT", "<NA>") or _is_nan(cell)


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float | Decimal) and math.isnan(cell)


def as_numbers(texts: Iterable[str]) -> Mapping[str, str | None]:
    """Return how texts are to be read that are numbers as pandas writes them, the others left out.

    Where a label is missing, pandas writes a column of integers as 0.0, 1.0, nan, and one beside it
    where none is as 0, 1. So if all texts are whole numbers, 1.0 is 1, and nan is missing; 007 is
    left as it is, and so is 1.0 beside 1.5.
    """
    texts = set(texts)
    missing = {name for name in texts if name.casefold() in ("nan", "na", "<na>", "nat", "null")}
    numbers = texts - missing
    if not numbers or not all(map(_is_number, numbers)):
        return {}
    whole = all(re.fullmatch(r"-?\d+(\.0+)?", name) for name in numbers)
    floats = {name: name.split(".")[0] for name in numbers if whole and "." in name}
    return floats | dict.fromkeys(missing)


def doubts(classes: Iterable[str]) -> list[str]:
    """Return a sentence for all names of classes that make one doubt whether they are classes."""
    classes = list(classes)
    alike = defaultdict(list)
    for name in classes:
        alike[" ".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    found = [
        f"the classes {', '.join(map(repr, names))} differ only in case, spaces or the form of "
        "their letters, and are taken for different ones: give them one name if they are one"
        for names in alike.values()
        if len(names) > 1
    ]
    splits = [name for name in classes if split_of(name)]
    if len({split_of(name) for name in splits}) > 1:
        found.append(
            f"the classes {', '.join(map(repr, splits))} are called as published splits are: if "
            "they are splits, put class folders into each, or name a column of splits"
        )
    absent = [name for name in classes if says_missing(name)]
    if absent:
        found.append(
            f"the class {', '.join(map(repr, absent))} is called as what is missing is: if its "
            "images have no label, leave the cell empty, or the images out"
        )
    several = [name for name in classes if _joins(name, set(classes))]
    if several:
        found.append(
            f"the class {several[0]!r} looks like several labels of one image: each image needs "
            "one class, and this one is taken for a class of its own"
        )
    return found


def _joins(name: str, classes: set[str]) -> bool:
    """Return whether a name is a list, or others of the classes with a mark between them."""
    return re.fullmatch(r"\[.*\]|\{.*\}", name) is not None or any(
        len(parts := [part.strip() for part in name.split(mark)]) > 1 and set(parts) <= classes
        for mark in "|;,+&/"
    )
