"""A split that never tears a group apart."""

from collections.abc import Sequence
from itertools import chain
from statistics import multimode
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.params import Split
from gan_augment.seeding import rng
from gan_augment.storage import digest
from gan_augment.table import SPLITS

TRAIN, VALIDATION, TEST = range(3)


def assign(
    labels: NDArray[np.int64],
    groups: Sequence[str],
    given: Sequence[str | None],
    classes: Sequence[str],
    settings: Split,
    seed: int,
) -> list[str]:
    """Assign each image to train, validation or test.

    Splits that the source gives are kept. Where it gives every image one and never uses one of the
    three, as with published sets of train and test, the missing one is taken out of train.

    `stratified` places groups in seeded random order, the largest first, each where its classes
    miss the largest share of what they should have. A class of as many groups as splits, if they
    hold no other class, has one in each; with fewer, train comes first, then test. `hash` places a
    group by a hash of its name and the seed: where one goes does not depend on the others.

    Args:
        labels: int64, N.
        groups: N names; images of one group end in one split.
        given: N splits that the source gives, or None.
        classes: names, in index order.
        settings: aimed shares of each class, and the way to assign.
        seed: of the order, or of the hash.

    Returns:
        N split names.

    Raises:
        UserError: a class has no training image, or the source puts a group into two splits.
    """
    from scipy.sparse import coo_array

    index, names = pd.factorize(np.asarray(groups, object), sort=True)
    ones = np.ones(len(labels))
    sizes = coo_array((ones, (index, labels)), shape=(len(names), len(classes))).tocsr()
    shares = np.array([settings.train, settings.validation, settings.test])
    place, is_open = _given_places(index, given, names)
    shares[~is_open] = 0
    if settings.assign == "hash":
        _by_hash(place, names, shares, seed)
    else:
        _stratified(place, sizes, shares, seed)
    empty = np.flatnonzero(np.bincount(labels[place[index] == TRAIN], minlength=len(classes)) == 0)
    for label in empty.tolist():
        raise UserError(
            f"class {classes[label]!r} has no training image: it needs more images or groups, "
            "or other given splits"
        )
    return [SPLITS[place[group]] for group in index]


def check(labels: NDArray[np.int64], splits: Sequence[str], classes: Sequence[str]) -> None:
    """Refuse a split on which nothing can be chosen, or nothing compared.

    Raises:
        UserError: validation has no image, or test images of fewer than two classes.
    """
    more = "a class needs three images or groups, one for each split; or give other splits"
    if "validation" not in splits:
        raise UserError(f"no image is left for validation, on which choices are made: {more}")
    tested = np.unique(labels[np.asarray(splits) == "test"])
    if len(tested) < 2:
        seen = f"images of class {classes[tested[0]]!r} only" if len(tested) else "no image"
        raise UserError(f"the test split has {seen}: to compare takes two classes there; {more}")


def missing_classes(
    labels: NDArray[np.int64], groups: Sequence[str], splits: Sequence[str], classes: Sequence[str]
) -> list[str]:
    """Return a sentence for each class that some split has no image of.

    One more if all of validation is of one class, since what is chosen there then means little.
    """
    present = np.zeros((len(classes), len(SPLITS)), bool)
    present[labels, [SPLITS.index(split) for split in splits]] = True
    found = []
    for label in np.flatnonzero(~present.all(axis=1)).tolist():
        mine = {group for group, y in zip(groups, labels, strict=True) if y == label}
        where = " and ".join(s for s, here in zip(SPLITS, present[label], strict=True) if not here)
        found.append(
            f"class {classes[label]!r} has {len(mine)} separable group{'s' * (len(mine) != 1)} of "
            f"images and none in {where}: its recall there is not measured"
        )
    if present[:, VALIDATION].sum() == 1:
        only = classes[int(present[:, VALIDATION].argmax())]
        found.append(
            f"all of validation is of class {only!r}: what is chosen there (the best generator, "
            "options of arms, the method that ships) says little of the others"
        )
    return found


def _given_places(
    index: NDArray[np.intp], given: Sequence[str | None], names: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the place of each group, -1 if open, and which splits the open ones may go to."""
    place = np.full(len(names), -1)
    for group, split in zip(index, given, strict=True):
        if split is None:
            continue
        here = SPLITS.index(split)
        if place[group] not in (-1, here):
            raise UserError(
                f"group {str(names[group])!r} is given in {SPLITS[place[group]]} and in {split}; "
                "images of one group belong in one split"
            )
        place[group] = here
    is_open = np.ones(len(SPLITS), bool)
    published = set(given)
    if None not in published and "train" in published and len(published) < len(SPLITS):
        place[place == TRAIN] = -1
        is_open = np.array([split == "train" or split not in published for split in SPLITS])
    return place, is_open


def _by_hash(
    place: NDArray[np.int64], names: NDArray[np.object_], shares: NDArray[np.float64], seed: int
) -> None:
    bounds = np.cumsum(shares) / shares.sum()
    for group in np.flatnonzero(place < 0):
        draw = int(digest(str(seed), str(names[group])), 16) / 2**64
        place[group] = np.searchsorted(bounds, draw, side="right")


def _stratified(
    place: NDArray[np.int64], sizes: Any, shares: NDArray[np.float64], seed: int
) -> None:
    """Place the open groups, in plain numbers: arrays of one class each would take longer."""
    aim, placed = _aims(place, sizes, shares)
    missing, aims = (aim - placed).tolist(), aim.tolist()
    counts = np.asarray(sizes.sum(axis=0)).ravel().tolist()
    starts, classes, images = (part.tolist() for part in (sizes.indptr, sizes.indices, sizes.data))
    open_ = np.flatnonzero(shares > 0).tolist()
    empty = [[s for s in (TRAIN, TEST, VALIDATION) if s in open_ and not row[s]] for row in placed]
    left = np.bincount(sizes[place < 0].indices, minlength=len(counts)).tolist()
    order = rng(seed, "split").permutation(len(place))
    totals = np.asarray(sizes.sum(axis=1)).ravel()
    for group in order[np.argsort(-totals[order], kind="stable")].tolist():
        if place[group] >= 0:
            continue
        span = slice(starts[group], starts[group + 1])
        mine = list(zip(classes[span], images[span], strict=True))
        # A class that has no more groups left than empty splits fills one with each.
        wanted = [empty[c][: left[c]] for c, _ in mine if left[c] <= len(empty[c])]
        among = _most_wanted(wanted) if wanted else open_
        gains = [
            # as Sainte-Laguë apportions seats
            sum(n / counts[c] * ((missing[c][split] - n / 2) / aims[c][split]) for c, n in mine)
            for split in among
        ]
        place[group] = chosen = among[gains.index(max(gains))]
        for label, number in mine:
            missing[label][chosen] -= number
            left[label] -= 1
            empty[label] = [split for split in empty[label] if split != chosen]


def _most_wanted(wanted: list[list[int]]) -> list[int]:
    """Return the splits that most classes want, in order; train if it is all that one wants.

    So no class is without training images for the sake of another's test images.
    """
    return [TRAIN] if [TRAIN] in wanted else sorted(multimode(chain.from_iterable(wanted)))


def _aims(
    place: NDArray[np.int64], sizes: Any, shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many images each class should have in each split, K×3, and how many it has."""
    counts = np.asarray(sizes.sum(axis=0)).ravel()
    placed = np.stack([np.asarray(sizes[place == s].sum(axis=0)).ravel() for s in range(3)], axis=1)
    is_open = shares > 0
    free = counts - placed[:, ~is_open].sum(axis=1)
    aim = np.outer(free, shares / shares.sum())
    held_out = is_open & (np.arange(3) != TRAIN)
    aim[:, held_out] = np.maximum(aim[:, held_out], 1)
    aim[:, TRAIN] = np.maximum(free - aim[:, held_out].sum(axis=1), 1)
    aim[:, ~is_open] = 1
    return aim, placed
