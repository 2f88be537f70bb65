"""Statistics of how close synthetic images are to the training images, over all of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import Rows, require_rows
from gan_augment.metrics.memorisation.neighbours import nearest, nearest_of_class
from gan_augment.metrics.memorisation.sample import RATIO_ROWS, Indices, Sample, same_classes
from gan_augment.seeding import rng, seed_of

CELL_ROWS = 20
ROWS_A_CELL = 100
MOST_CELLS = 10
RESAMPLES = 1_999
CONFIDENCE = 0.95
RESAMPLED_AT_ONCE = 2**22


class Ratio(NamedTuple):
    """A ratio of medians with its 95 % interval, and the rows it was taken from on either side."""

    value: float
    low: float
    high: float
    rows: int


def distance_ratios(
    synthetic: Sample, holdout: Sample, train: Sample
) -> tuple[Ratio, dict[int, Ratio]]:
    """Compare the distances to the nearest training image: synthetic over held-out.

    The ratio of medians, see `median_ratio`, of distances between features within a class. Below 1
    the synthetic images are closer to the training images than real ones are. Sizes are equal: of
    each class, as many images on either side, the same draw every time.

    Returns:
        The ratio over all, and by class index; classes with fewer than `RATIO_ROWS` on a side are
        left out there.

    Raises:
        TooFewRowsError: fewer than `RATIO_ROWS` over all.
    """
    sides = [
        (part.labels[rows], _own_class_distances(part, rows, train))
        for part, rows in zip(
            (synthetic, holdout), same_classes(synthetic.labels, holdout.labels), strict=True
        )
    ]
    counts = np.bincount(sides[0][0])
    return median_ratio(*(distances for _, distances in sides)), {
        int(label): median_ratio(*(distances[labels == label] for labels, distances in sides))
        for label in np.flatnonzero(counts >= RATIO_ROWS)
    }


def median_ratio(synthetic: NDArray[np.float64], holdout: NDArray[np.float64]) -> Ratio:
    """Return the ratio of two medians with a bootstrap interval; the training images stay fixed.

    Medians, because a few images far from everything must not hide that most are close. The
    interval is the percentile bootstrap's (Efron & Tibshirani 1993, chapter 13): BCa would take its
    acceleration from the jackknife, which is inconsistent for a median (ibid., section 11.6).

    Args:
        synthetic: N distances.
        holdout: N distances; a median of 0 makes the ratio infinite or not a number.

    Raises:
        TooFewRowsError: a set has fewer than `RATIO_ROWS`.
    """
    from scipy.stats import bootstrap

    require_rows(RATIO_ROWS, "ratio of distances", synthetic=synthetic, holdout=holdout)
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = bootstrap(
            (synthetic, holdout),
            _ratio_of_medians,
            n_resamples=RESAMPLES,
            batch=max(1, RESAMPLED_AT_ONCE // len(synthetic)),
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=rng(0, "ratio of distances"),
        ).confidence_interval
        value = float(_ratio_of_medians(synthetic, holdout))
    return Ratio(value, float(interval.low), float(interval.high), len(synthetic))


def data_copying(synthetic: Rows, holdout: Rows, train: Rows, cells: int | None = None) -> float:
    """Return C_T: far below 0 the synthetic images are copies, far above 0 they miss the data.

    Meehan, Chaudhuri & Dasgupta 2020: in each cell π of a k-means partition, fitted to
    the training images, Z_U = (U − nm/2) / √(nm (n + m + 1) / 12) of the distances to the nearest
    training image. U is Mann & Whitney's, here the number of pairs in which the synthetic image is
    farther than the held-out one (ties count half). C_T = Σ P(π) Z_U(π) / Σ P(π), with P the share
    of held-out images, over cells with at least `CELL_ROWS` synthetic images and one held-out; if
    there is none, over the whole space as one cell.

    For a generator that draws from the real distribution each Z_U is about standard normal, so
    that C_T has a deviation of at most 1. It grows with the square root of the number of rows.

    Args:
        synthetic: N×F.
        holdout: M×F.
        train: T×F.
        cells: of the partition; by default one for each `ROWS_A_CELL` of the smaller set, at most
            `MOST_CELLS`.

    Raises:
        TooFewRowsError: fewer than `CELL_ROWS` of either set, or training images than cells.
    """
    from sklearn.cluster import KMeans

    require_rows(CELL_ROWS, "data-copying statistic", synthetic=synthetic, holdout=holdout)
    if cells is None:
        smaller = min(len(synthetic), len(holdout))
        cells = int(np.clip(smaller // ROWS_A_CELL, 1, MOST_CELLS))
    require_rows(cells, "data-copying statistic", training=train)
    partition = KMeans(cells, n_init=1, random_state=seed_of(0, "cells")).fit(train)
    sides = [
        (partition.predict(part), nearest(part, train).distances) for part in (synthetic, holdout)
    ]
    counts, weights = (np.bincount(where, minlength=cells) for where, _ in sides)
    used = np.flatnonzero((counts >= CELL_ROWS) & (weights > 0))
    if not len(used):
        return _z(*(distances for _, distances in sides))
    scores = [_z(*(distances[where == cell] for where, distances in sides)) for cell in used]
    return float(np.average(scores, weights=weights[used]))


def authenticity(synthetic: Rows, train: Rows) -> float:
    """Return the share of synthetic images that are authentic, 0–1.

    Alaa et al. 2022: one that is farther from the nearest training image than that one
    is from its own nearest other. Compare it with that of held-out images.

    Args:
        synthetic: N×F.
        train: T×F.

    Raises:
        TooFewRowsError: no synthetic image, or fewer than two training images.
    """
    require_rows(1, "authenticity", synthetic=synthetic)
    distances, indices = nearest(synthetic, train)
    chosen, position = np.unique(indices, return_inverse=True)
    reach = nearest(train[chosen], train, own=chosen).distances
    return float((distances > reach[position]).mean())


def _own_class_distances(part: Sample, rows: Indices, train: Sample) -> NDArray[np.float64]:
    found = nearest_of_class(part.features[rows], part.labels[rows], train.features, train.labels)
    return found.distances


def _ratio_of_medians(
    x: NDArray[np.float64], y: NDArray[np.float64], axis: int = -1
) -> NDArray[np.float64]:
    return np.median(x, axis=axis) / np.median(y, axis=axis)


def _z(synthetic: NDArray[np.float64], holdout: NDArray[np.float64]) -> float:
    from scipy.stats import mannwhitneyu

    m, n = len(synthetic), len(holdout)
    u = mannwhitneyu(synthetic, holdout, method="asymptotic").statistic
    return float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
