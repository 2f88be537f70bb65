"""A stratified split that never tears a group apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError
from pipeline.params import Split
from pipeline.seeding import rng
from pipeline.table import SPLITS


def stratified_split(
    labels: NDArray[np.int64],
    groups: Sequence[str],
    given: Sequence[str | None],
    classes: Sequence[str],
    shares: Split,
    seed: int,
) -> list[str]:
    """Assign each image to train, validation or test.

    Groups are placed in seeded random order, the largest first, each where its classes miss the
    largest share of what they should have. Splits that the source gives are kept.

    Args:
        labels: int64, N.
        groups: N names; images of one group end in one split.
        given: N splits that the source gives, or None.
        classes: names, in index order.
        shares: aimed shares of each class.
        seed: of the order.

    Returns:
        N split names.

    Raises:
        UserError: a class cannot be in every split, or the source puts a group into two splits.
    """
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sizes = np.zeros((len(names), len(classes)))
    np.add.at(sizes, (index, labels), 1)
    place = _given_places(index, given, names)
    _enough_groups(sizes, place, classes)

    counts = sizes.sum(axis=0)
    aim = np.outer(counts, [shares.train, shares.validation, shares.test])
    aim[:, 1:] = np.maximum(aim[:, 1:], 1)
    aim[:, 0] = counts - aim[:, 1:].sum(axis=1)
    missing = aim - np.stack([sizes[place == s].sum(axis=0) for s in range(3)], axis=1)

    order = rng(seed, "split").permutation(len(names))
    for group in order[np.argsort(-sizes[order].sum(axis=1), kind="stable")]:
        if place[group] < 0:
            half = sizes[group, :, None] / 2  # as Sainte-Laguë apportions seats
            place[group] = np.argmax(sizes[group] / counts @ ((missing - half) / aim))
            missing[:, place[group]] -= sizes[group]

    for label, name in enumerate(classes):
        for split, found in zip(SPLITS, np.bincount(place, sizes[:, label], 3), strict=True):
            if found == 0:
                raise UserError(
                    f"class {name!r} has no image in {split}: it needs more images or groups, "
                    "or another split in ingest.annotations"
                )
    return [SPLITS[place[group]] for group in index]


def _given_places(
    index: NDArray[np.intp], given: Sequence[str | None], names: NDArray[np.str_]
) -> NDArray[np.int64]:
    place = np.full(len(names), -1)
    for group, split in zip(index, given, strict=True):
        if split is None:
            continue
        here = SPLITS.index(split)
        if place[group] not in (-1, here):
            raise UserError(
                f"ingest.annotations: group {str(names[group])!r} is in {SPLITS[place[group]]} "
                f"and in {split}; images of one group (or with the same pixels) belong in one split"
            )
        place[group] = here
    return place


def _enough_groups(
    sizes: NDArray[np.float64], place: NDArray[np.int64], classes: Sequence[str]
) -> None:
    for label, name in enumerate(classes):
        free, total = int((sizes[place < 0, label] > 0).sum()), int(sizes[:, label].sum())
        fixed = len(set(place[(sizes[:, label] > 0) & (place >= 0)]))
        if free + fixed < 3:
            raise UserError(
                f"class {name!r} has {total} image{'s' * (total != 1)} in {free + fixed} "
                f"separable group{'s' * (free + fixed != 1)}; it needs at least 3, "
                "one each for train, validation and test"
            )
