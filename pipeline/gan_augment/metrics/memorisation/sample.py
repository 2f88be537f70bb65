"""Images as the measures of memorisation need them, and their rows class by class."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import Rows, TooFewRowsError
from gan_augment.seeding import rng

Pixels = NDArray[Any]
"""Images, uint8 N×C×H×W, or features of a backbone, float32 N×F."""
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]
RATIO_ROWS = 20
"""A ratio, and a threshold learnt from held-out images, need so many images on either side."""


class Sample(NamedTuple):
    """Images as all the measures need them.

    Attributes:
        pixels: uint8, N×C×H×W; or features, float32, N×F.
        labels: int64, N, class indices.
        features: float64, N×F; see `gan_augment.metrics.features`.
    """

    pixels: Pixels
    labels: Labels
    features: Rows


def by_class(labels: Labels, reference_labels: Labels) -> Iterator[tuple[Indices, Indices]]:
    """Yield the rows of each class, and those of its references."""
    for label in np.unique(labels):
        own_class = np.flatnonzero(reference_labels == label)
        if not len(own_class):
            raise TooFewRowsError(
                f"class {label} has no training images to compare with: leave its images out"
            )
        yield np.flatnonzero(labels == label), own_class


def same_classes(labels: Labels, others: Labels) -> tuple[Indices, Indices]:
    """Return rows on either side, as many of each class: all of the side that has fewer."""
    draws = [rng(0, "as many of each class", side) for side in range(2)]
    chosen: tuple[list[Indices], list[Indices]] = ([], [])
    for label in np.union1d(labels, others):
        sides = [np.flatnonzero(part == label) for part in (labels, others)]
        count = min(len(rows) for rows in sides)
        for rows, draw, kept in zip(sides, draws, chosen, strict=True):
            kept.append(np.sort(draw.permutation(rows)[:count]))
    first, second = (np.concatenate(kept) for kept in chosen)
    return first, second
