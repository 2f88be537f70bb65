"""Which images belong together, and which of them contradict each other."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gan_augment.errors import UserError
from gan_augment.ingest.duplicates import components
from gan_augment.params import Group
from gan_augment.table import SPLITS


class Contradiction(NamedTuple):
    """An image at odds with another: index of each."""

    row: int
    other: int


def declared(
    names: Sequence[str], folders: Sequence[str | None], given: Sequence[str | None], group: Group
) -> list[str | None]:
    """Return the group that each image has by itself, or None: duplicates apart.

    A given group wins over one that its name or folder tells.
    """
    if group.kind == "given":
        return list(given)
    return [said or seen for said, seen in zip(given, told(names, folders, group), strict=True)]


def check(images: pd.DataFrame, group: Group) -> None:
    """Refuse a setting that keeps nothing together, or only what a class or a given split holds.

    Args:
        images: a line an image, with its `name`, `label`, `given` split and `own` group.
        group: where groups come from; those that the source gives are its own affair.

    Raises:
        UserError: in each given split, each class is one group, or in none.
    """
    parts = images.groupby(["given", "label"], dropna=False)["own"].nunique(dropna=False)
    if group.kind == "given" or parts.max() > 1:
        return
    number = images["own"].nunique()
    several = f"{number} group{'s' * (number != 1)}"
    does = f"makes {several}, of whole classes or splits" if number else "groups no image"
    asked = "folder" if group.kind == "folder" else f"the pattern '{group.pattern}'"
    raise UserError(
        f"ingest.group: {asked} {does}; the images are called such as {images['name'].iloc[0]!r}, "
        "from the source's folder on: look for what tells objects apart there"
    )


def told(names: Sequence[str], folders: Sequence[str | None], group: Group) -> Sequence[str | None]:
    """Return the group that the name or the folder of each image tells, or None.

    `folder` takes the folder below the class; `pattern` takes what the regular expression finds in
    the name: its first group if it has any, else the whole match.
    """
    if group.kind == "folder":
        return folders
    find = _pattern(group.pattern)
    return [find(name) for name in names]


def _pattern(pattern: str) -> Callable[[str], str | None]:
    expression = re.compile(pattern)

    def find(name: str) -> str | None:
        match = expression.search(name)
        return (match[1] if expression.groups else match[0]) or None if match else None

    return find


def conflicts(images: pd.DataFrame) -> list[Contradiction]:
    """Return every image whose pixels are also there under another label, in order.

    The other is the first image with the same pixels (column `id`) and another `label`.
    """
    several = images.groupby("id")["label"].transform("nunique") > 1
    return sorted(
        Contradiction(row, same.index[same["label"] != label][0])
        for _, same in images[several].groupby("id")
        for row, label in zip(same.index, same["label"], strict=True)
    )


def leaks(images: pd.DataFrame) -> list[Contradiction]:
    """Return every image of whose joined `group` another is `given` in a later split.

    Splits are in the order train, validation, test; the other is the first in the last of them.
    What an `own` group alone puts into two splits, and no duplicate, is not for here to mend.
    """
    place = images["given"].map({split: number for number, split in enumerate(SPLITS)})
    torn = images["own"].notna() & (place.groupby(images["own"]).transform("nunique") > 1)
    last = place.groupby(images["group"]).transform("max")
    several = images["group"].isin(images["group"][place < last])
    several &= ~images["group"].isin(images["group"][torn])
    return sorted(
        Contradiction(row, same.index[place[same.index] == last[row]][0])
        for _, same in images[several].groupby("group")
        for row in same.index[place[same.index] < last[same.index]]
    )


def join(images: pd.DataFrame) -> pd.Series:
    """Return the name of each image's group: what groups and duplicates connect is one.

    Args:
        images: a line an image, with its `cluster` of duplicates, its `own` group or none, and
            its `id`.
    """
    cluster, clusters = pd.factorize(images["cluster"])
    own, groups = pd.factorize(images["own"])  # -1 where there is none
    linked = own >= 0
    edges = np.stack([cluster[linked], len(clusters) + own[linked]], axis=1)
    part = components(len(clusters) + len(groups), edges)[cluster]
    return named(images, pd.Series(part, images.index))


def named(images: pd.DataFrame, part: pd.Series) -> pd.Series:
    """Return the name of each image's group, of which `part` tells one from another.

    A group is named after the first of the `own` groups of its images, by name, or else after the
    first of their ids: names do not depend on the order of the images.
    """
    return (
        images["own"]
        .groupby(part)
        .transform("min")
        .fillna(images["id"].groupby(part).transform("min"))
    )
