"""Series of one object: frames, slices, patients, whose images stand next to each other by name.

A split by image puts one part of a series into train and another into test, where a classifier then
recognises the object. Names tell: the image next to one, in natural order, shows the same thing. So
each image is asked which other of its class it resembles most, and whether that is the next by name
or the last. How often it is by chance, a permutation test says.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.ingest.duplicates import Rows
from gan_augment.ingest.groups import told
from gan_augment.ingest.sources.labels import natural
from gan_augment.params import Group
from gan_augment.seeding import rng

MOST_CLASSES = 50
MOST_IMAGES = 1_000
"""Images of a class that are compared with each other: a run of neighbours."""
PERMUTATIONS = 1_999
SIGNIFICANT = 0.001
NOTABLE = 0.05
"""The p below which there may be some, if too few for a warning."""
EXCESS = 0.05
"""The share of images beyond chance from which on a series is worth a warning."""
FEW = 5
"""Images below which a class has no neighbours to speak of."""
_NUMBERED = r"^(.+?)[\W_]*\d+\W*\.\w+$"


class Series(NamedTuple):
    """How often images resemble a neighbour by name most.

    Attributes:
        compared: number of images that were compared with others of their class.
        pairs: int64, M×2: the row of each image that does, and of that neighbour.
        chance: how many would by chance: the mean over permutations of the names.
        p: of the permutations and the names as they are, the share in which as many do, or more.
    """

    compared: int
    pairs: Rows
    chance: float
    p: float

    @property
    def seen(self) -> bool:
        """Return whether neighbours are alike beyond chance, and often enough to matter."""
        excess = len(self.pairs) - self.chance
        return self.p <= SIGNIFICANT and excess >= EXCESS * self.compared


def look(images: pd.DataFrame, thumbnails: NDArray[np.uint8], seed: int) -> Series:
    """Compare images with others of their class, groups apart: what belongs together stays so.

    Args:
        images: a line an image, with its `name`, `label` and `group`; the index is its row.
        thumbnails: of all rows, flat: uint8, N×D; may be mapped from a file.
        seed: of the choice of images where there are many, and of the permutations.
    """
    compared, chance = 0, np.zeros(PERMUTATIONS)
    pairs = [np.zeros((0, 2), np.int64)]
    sizes = images["label"].value_counts().sort_index().nlargest(MOST_CLASSES)
    for label in sizes.index[sizes >= FEW]:
        draw = rng(seed, "series", int(label))
        mine = _in_order(images[images["label"] == label], draw)
        nearest = _nearest(mine, thumbnails)
        place = np.arange(len(mine))
        alike = _next_to(place[None], nearest)[0]
        rows = mine.index.to_numpy()
        pairs.append(np.stack([rows[alike], rows[nearest[alike]]], axis=1))
        compared += (nearest >= 0).sum()
        permuted = draw.permuted(np.tile(place, (PERMUTATIONS, 1)), axis=1)
        chance += _next_to(permuted, nearest).sum(axis=1)
    found = np.concatenate(pairs)
    p = (1 + (chance >= len(found)).sum()) / (1 + PERMUTATIONS)
    return Series(int(compared), found, float(chance.mean()), float(p))


def _in_order(mine: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Return images of a class in natural order of their names: all, or a run of MOST_IMAGES."""
    keys = [natural(name) for name in mine["name"]]
    order = sorted(range(len(mine)), key=keys.__getitem__)
    start = draw.integers(max(len(order) - MOST_IMAGES, 0) + 1)
    return mine.iloc[order[start : start + MOST_IMAGES]]


def _nearest(mine: pd.DataFrame, thumbnails: NDArray[np.uint8]) -> Rows:
    """Return for each image the place of the most alike one of another group; -1 if all are one."""
    flat = thumbnails[mine.index.to_numpy()].astype(np.float32)
    square = np.einsum("nd,nd->n", flat, flat)
    distance = square[:, None] + square - 2 * flat @ flat.T
    group, _ = pd.factorize(mine["group"])
    distance[group[:, None] == group] = np.inf
    return np.where(np.isfinite(distance).any(axis=1), distance.argmin(axis=1), -1)


def _next_to(places: Rows, nearest: Rows) -> NDArray[np.bool_]:
    """Return whether each image stands next to its nearest, bool R×N, at some places, int64 R×N."""
    return (np.abs(places - places[:, nearest]) == 1) & (nearest >= 0)


def remedy(images: pd.DataFrame) -> str:
    """Return a half sentence on a setting that would group images by their names, if any would.

    Folders below the classes, or what stands before the last number of a name, do if they part each
    class of each given split, on average, and most of what they make has more than one image.

    Args:
        images: a line an image, with its `name`, `folder`, `label` and `given` split.
    """
    wholes = images.groupby(["given", "label"], dropna=False).ngroups
    names, folders = (images[column].tolist() for column in ("name", "folder"))
    for setting in ("folder", {"pattern": _NUMBERED}):
        tells = told(names, folders, Group.model_validate(setting))
        found = pd.Series(pd.array(tells, "string"))
        number = found.nunique()
        if found.notna().all() and 2 * wholes <= number <= len(images) / 2:
            shown = setting if isinstance(setting, str) else f"{{pattern: '{_NUMBERED}'}}"
            return f", such as ingest.group: {shown}, which makes {number} groups"
    return ""
