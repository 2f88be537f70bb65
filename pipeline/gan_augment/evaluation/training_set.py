"""What a classifier is trained on: images, labels, and how they are used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.params import ClassicParams
from gan_augment.seeding import rng
from gan_augment.table import FeatureSpace, Images

FRESH_SETS = 3
COPIES = 3
"""Transformed copies of each image that estimators see; networks see another one every time."""
MOST_COPIED = 12_000
"""One copy at least, further ones while an arm that adds as many images as ship has no more rows:
kernels take their square."""


class Extent(NamedTuple):
    """How large a comparison is; what estimators make of that is alike in all its arms.

    Attributes:
        copies: transformed copies of each row that estimators see.
        most: rows of the largest arm, whatever is chosen for it, copies included.
    """

    copies: int
    most: int


def copies(rows: int) -> int:
    """Return how many transformed copies estimators see of each of so many rows."""
    return int(np.clip(MOST_COPIED // max(rows, 1) - 1, 1, COPIES))


class Pretrained(NamedTuple):
    """What a fine-tuned network starts from: whose weights, and the file with them, if any."""

    space: FeatureSpace
    weights: Path | None


Views = Mapping[str, NDArray[np.float32]]
"""Policy → features of transformed copies of the real training images, K×N×F."""
NO_IMAGE = -1


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a classifier is trained on; equal to itself alone, so that it can be a key.

    Attributes:
        pixels: uint8 N×C×H×W; or features, float32 N×F.
        labels: int64 N.
        real: the first so many rows are the real training images, in order.
        classes: number of classes.
        weights: float64 N, how much each row counts.
        synthetic: bool N, the rows that a generator made.
        shows: int64 N, which of the real training images a row is; `NO_IMAGE` if none.
        classic: transforms to apply to every image while training, if any.
        views: where rows are features, those of transformed real images.
        extent: of the comparison that it is of; None is as large as itself.

    What follows is for networks, which learn in steps:

    Attributes:
        soft: float64 N×C, probabilities of the classes in the place of labels, if any.
        mix: how images of a batch are mixed, and α of the Beta distribution of their shares.
        schedule: `mixed` draws from all rows at every step; `fresh` takes, of the synthetic rows,
            another third in every epoch; `first` sees synthetic rows alone at first, then none.
        first: the share of steps that sees synthetic rows alone.
        pretrained: what a network starts from that is fine-tuned.
    """

    pixels: NDArray[Any]
    labels: NDArray[np.int64]
    real: int
    classes: int
    weights: NDArray[np.float64]
    synthetic: NDArray[np.bool_]
    shows: NDArray[np.int64]
    classic: ClassicParams | None = None
    views: Views | None = None
    extent: Extent | None = None
    soft: NDArray[np.float64] | None = None
    mix: tuple[Literal["mixup", "cutmix"], float] | None = None
    schedule: Literal["mixed", "fresh", "first"] = "mixed"
    first: float = 0.0
    pretrained: Pretrained | None = None

    def rows_at(self, step: int, steps: int, batch: int) -> NDArray[np.intp]:
        """Return the rows that a batch at `step` of `steps` is drawn from."""
        match self.schedule:
            case "mixed":
                return np.arange(len(self.labels))
            case "first":
                now = self.synthetic if step < self.first * steps else ~self.synthetic
                return np.flatnonzero(now if now.any() else ~now)
            case "fresh":
                kept = np.flatnonzero(~self.synthetic)
                made = np.flatnonzero(self.synthetic)
                epoch = step * batch // max(len(kept) + len(made) // FRESH_SETS, 1)
                return np.concatenate([kept, made[epoch % FRESH_SETS :: FRESH_SETS]])


def of_images(real: Images, *extras: Images, synthetic: Images | None = None) -> TrainingSet:
    """Return the real images, others that count as real, and synthetic ones, in this order."""
    parts = [part for part in (real, *extras, synthetic) if part is not None and len(part)]
    labels = np.concatenate([part.labels for part in parts])
    made = np.zeros(len(labels), bool)
    if synthetic is not None:
        made[len(labels) - len(synthetic) :] = True
    return TrainingSet(
        np.concatenate([part.pixels for part in parts]),
        labels,
        len(real),
        len(real.classes),
        np.ones(len(labels)),
        made,
        np.concatenate([np.arange(len(real)), *(_shown(real, part) for part in parts[1:])]),
    )


def _shown(real: Images, part: Images) -> NDArray[np.int64]:
    """Return which real image each row is, by its id, int64 N; `NO_IMAGE` if none."""
    known = dict(zip(real.rows.get("id", ()), range(len(real)), strict=False))
    ids = part.rows.get("id", [None] * len(part))
    return np.array([known.get(identity, NO_IMAGE) for identity in ids], np.int64)


def resampled(rows: int) -> int:
    """Return how many rows `resample` makes of so many."""
    return 3 * rows // 2


def copies_compared(real: int, synthetic: int) -> int:
    """Return how many copies all arms of a comparison have of so many real and synthetic images.

    As many as an arm bears that adds what is in data/synthetic.
    """
    return copies(resampled(real + synthetic))


def resample(training_set: TrainingSet, seed: int) -> TrainingSet:
    """Return every row once, and half as many again drawn with replacement from each class.

    No image is ever left out: the synthetic ones were made with knowledge of all real ones, so a
    resample that dropped some would give the arms with synthetic images an unfair look at them.
    With the same seed the real rows are drawn alike in every arm: repeats are paired.
    """
    n, labels, soft = training_set.real, training_set.labels, training_set.soft
    first = _half_again(labels[:n], rng(seed, "resample", "real"))
    rest = _half_again(labels[n:], rng(seed, "resample", "extra"))
    rows = np.concatenate([first, n + rest])
    return replace(
        training_set,
        pixels=training_set.pixels[rows],
        labels=labels[rows],
        real=len(first),
        weights=training_set.weights[rows],
        synthetic=training_set.synthetic[rows],
        shows=training_set.shows[rows],
        soft=None if soft is None else soft[rows],
    )


def _half_again(labels: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.intp]:
    rows = [np.arange(len(labels))]
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        rows.append(draw.choice(of_class, len(of_class) // 2))
    return np.sort(np.concatenate(rows))
