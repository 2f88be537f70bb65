"""Memorisation: are the synthetic images copies of training images? Arrays in, numbers out.

A generator may copy single images, which `exact_copies` and `near_copies` find one by one, or stay
too close to all of them, which shows in the distances to the nearest training image: compared with
those of held-out real images by `distance_ratios` and `data_copying`. Distances alone cannot tell a
copy from a blur, which is near to every image; `copying` therefore asks for both to be closer than
real images are: the nearest one, and the nearest one compared with the next.

Every comparison is against the same training images. Memory is bounded whatever the numbers of
rows, and the same rows give the same numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import Rows, TooFewRowsError, require_rows
from gan_augment.seeding import rng, seed_of
from gan_augment.table import pixel_hash

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]

RATIO_ROWS = 20
CELL_ROWS = 20
ROWS_A_CELL = 100
MOST_CELLS = 10
RESAMPLES = 1_999
CONFIDENCE = 0.95
RESAMPLED_AT_ONCE = 2**22
NEXT_MATCHES = 10
SPREADS = 5
SHRINK_FROM = 64
SHIFT_SHARE, LARGEST_SHIFT = 8, 2
FLAT = 2.0
"""Pixels that deviate less than this from their mean are taken for flat: of 255, it is noise."""
MATCHES_AT_ONCE = 2**24
"""Matches in memory at once: 64 MiB."""

EXACT_COPIES = 0.001
"""Bound of the share of exact copies among synthetic images, beyond that of held-out ones."""
NEAR_COPIES = 0.03
"""Bound of the same for near copies: what classes in other proportions may come to by chance."""
SIGNIFICANCE = 0.01
"""More near copies than among held-out images must be this unlikely by chance."""
DATA_COPYING = -3.0
"""Bound of C_T: three standard deviations of what a perfect generator gets, or more."""
MATCH_RATIO = 0.8
"""Bound of the upper end of `Copying.match_ratio`: a fifth closer than real images are.

On digits with 20 training images a class, Gaussian mixtures have 1.04, a GAN 0.90 after 1,000 steps
and 0.64 after 4,000, when one image in six is a near copy; SMOTE has 0.37.
"""


class Sample(NamedTuple):
    """Images as all the measures need them.

    Attributes:
        pixels: uint8, N×C×H×W.
        labels: int64, N, class indices.
        features: float64, N×F; see `gan_augment.metrics.features`.
    """

    pixels: Pixels
    labels: Labels
    features: Rows


class Nearest(NamedTuple):
    """Of N queries, the distance to the nearest reference, float64, and its row, int64."""

    distances: NDArray[np.float64]
    indices: Indices


class Matches(NamedTuple):
    """Of N images, how they match the training images of their class.

    Attributes:
        relative: float64, the distance to the best match over the mean of those to the next ten, 0
            (the same image) to 1 (no closer than the others).
        indices: int64, the row of the best match.
    """

    relative: NDArray[np.float64]
    indices: Indices


class NearCopies(NamedTuple):
    """Which of N synthetic images are near copies, and of what.

    Attributes:
        synthetic, holdout: the matches.
        threshold: a near copy's relative distance is below it.
    """

    synthetic: Matches
    holdout: Matches
    threshold: float

    @property
    def copies(self) -> NDArray[np.bool_]:
        """N, true for a near copy."""
        return self.synthetic.relative < self.threshold

    @property
    def share(self) -> float:
        """The share of near copies among the synthetic images, 0–1."""
        return float(self.copies.mean())

    @property
    def holdout_share(self) -> float:
        """The same among the held-out images: the floor."""
        return float((self.holdout.relative < self.threshold).mean())

    @property
    def beyond(self) -> float:
        """How much larger the share is than that of held-out images."""
        return self.share - self.holdout_share


class Ratio(NamedTuple):
    """A ratio of medians with its 95 % interval, and the rows it was taken from on either side."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Copying:
    """Whether synthetic images are copied from training images, and the evidence.

    Attributes:
        exact, holdout_exact: shares of exact copies of training images, 0–1.
        near: the near copies, one by one.
        match_ratio: of relative match distances, synthetic over held-out.
        ratio: of distances to the nearest training image of the class, synthetic over held-out.
        class_ratios: the same by class.
        data_copying: C_T.
        authenticity, holdout_authenticity: shares, 0–1. They have no bound: blurs lower them too.
        reasons: which bounds were exceeded, in words; none if this is no copying.
    """

    exact: float
    holdout_exact: float
    near: NearCopies
    match_ratio: Ratio
    ratio: Ratio
    class_ratios: dict[int, Ratio]
    data_copying: float
    authenticity: float
    holdout_authenticity: float
    reasons: tuple[str, ...]


def copying(synthetic: Sample, holdout: Sample, train: Sample) -> Copying:
    """Judge whether synthetic images are copied from the training images.

    They are if there are more exact or near copies among them than among held-out images, by more
    than `EXACT_COPIES` and `NEAR_COPIES`; or if, as a whole, both C_T and the ratio of relative
    match distances are below `DATA_COPYING` and `MATCH_RATIO`. C_T alone would also condemn a
    generator of class means, which is near to all images and copies none. Interpolations of two
    training images, as SMOTE's, are near copies and are judged so.

    All but the shares of copies are measured on as many images of each class on either side.

    Args:
        synthetic: from the generator, before any gate has removed copies.
        holdout: real images that the generator has not seen, as the validation split.
        train: the images that the generator was trained on.

    Raises:
        TooFewRowsError: fewer than `RATIO_ROWS` synthetic and held-out images of the same classes,
            or a class without two training images.
    """
    exact, holdout_exact = (
        float(exact_copies(part.pixels, train.pixels).mean()) for part in (synthetic, holdout)
    )
    near = near_copies(synthetic, holdout, train)
    chosen, others = _same_classes(synthetic.labels, holdout.labels)
    features, holdout_features = synthetic.features[chosen], holdout.features[others]
    match_ratio = median_ratio(near.synthetic.relative[chosen], near.holdout.relative[others])
    ratio, class_ratios = distance_ratios(synthetic, holdout, train)
    c_t = data_copying(features, holdout_features, train.features)
    return Copying(
        exact=exact,
        holdout_exact=holdout_exact,
        near=near,
        match_ratio=match_ratio,
        ratio=ratio,
        class_ratios=class_ratios,
        data_copying=c_t,
        authenticity=authenticity(features, train.features),
        holdout_authenticity=authenticity(holdout_features, train.features),
        reasons=tuple(_reasons(exact, holdout_exact, near, match_ratio, c_t)),
    )


def nearest(queries: Rows, references: Rows, own: Indices | None = None) -> Nearest:
    """Find the nearest reference of each query, by brute force, exact to rounding.

    Args:
        queries: N×F.
        references: M×F.
        own: N, for queries that are among the references: the row that is the query itself, and
            is left out.

    Raises:
        TooFewRowsError: no reference, or with `own` no other.
    """
    from sklearn.neighbors import NearestNeighbors

    neighbours = 1 if own is None else 2
    require_rows(neighbours, "search for the nearest image", training=references)
    if not len(queries):
        return Nearest(np.empty(0), np.empty(0, np.int64))
    centre = references.mean(axis=0)
    searcher = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(references - centre)
    found = searcher.kneighbors(queries - centre, return_distance=False)
    indices = found[:, 0] if own is None else np.where(found[:, 0] == own, found[:, 1], found[:, 0])
    # Once more from the difference: a copy's distance is exactly 0.
    distances = np.linalg.norm(queries - references[indices], axis=1)
    return Nearest(distances, indices.astype(np.int64))


def nearest_of_class(
    queries: Rows, labels: Labels, references: Rows, reference_labels: Labels
) -> Nearest:
    """Find the nearest reference of each query's own class; see `nearest`.

    Args:
        queries: N×F.
        labels: N.
        references: M×F.
        reference_labels: M.

    Raises:
        TooFewRowsError: a class of queries has no reference.
    """
    found = Nearest(np.empty(len(queries)), np.empty(len(queries), np.int64))
    for rows, own_class in _by_class(labels, reference_labels):
        distances, indices = nearest(queries[rows], references[own_class])
        found.distances[rows], found.indices[rows] = distances, own_class[indices]
    return found


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
            (synthetic, holdout), _same_classes(synthetic.labels, holdout.labels), strict=True
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


def exact_copies(pixels: Pixels, train: Pixels) -> NDArray[np.bool_]:
    """Return which images (uint8, N×C×H×W) have the very pixels of a training image, N."""
    known = {pixel_hash(image) for image in train}
    return np.array([pixel_hash(image) in known for image in pixels], bool)


def near_copy_search(
    holdout: Pixels, holdout_labels: Labels, train: Pixels, train_labels: Labels
) -> Callable[[Pixels, Labels], NearCopies]:
    """Return a search for images that match one training image far better than the next ones.

    See `match`. How much better is real is learnt from held-out images: with m their median
    relative distance and q the lower quartile, a near copy is below m (q / m)⁵, five times as far
    from m as q is in the logarithm. About one real image in a hundred is. Unlike that quantile
    itself it does not give way when real images repeat: it bears near copies among fewer than a
    quarter of them.

    Args:
        holdout: uint8, N×C×H×W, real images that were not trained on.
        holdout_labels: N.
        train: uint8, M×C×H×W.
        train_labels: M.

    Returns:
        A function of images and their labels.

    Raises:
        TooFewRowsError: fewer than `RATIO_ROWS` held-out images, or a class without two training
            images.
    """
    require_rows(RATIO_ROWS, "search for near copies", holdout=holdout_labels)
    real = match(holdout, holdout_labels, train, train_labels)
    quartile, median = np.quantile(real.relative, [0.25, 0.5])
    threshold = float(median * (quartile / median) ** SPREADS) if median else 0.0

    def search(pixels: Pixels, labels: Labels) -> NearCopies:
        return NearCopies(match(pixels, labels, train, train_labels), real, threshold)

    return search


def near_copies(synthetic: Sample, holdout: Sample, train: Sample) -> NearCopies:
    """Search the synthetic images for near copies, see `near_copy_search`."""
    search = near_copy_search(holdout.pixels, holdout.labels, train.pixels, train.labels)
    return search(synthetic.pixels, synthetic.labels)


def match(pixels: Pixels, labels: Labels, train: Pixels, train_labels: Labels) -> Matches:
    """Match images with the training images of their class, whatever their shift and brightness.

    The distance of two images is √(2 − 2ρ), with ρ the normalised cross-correlation (Lewis 1995) of
    the first one's inner part with the part of the second one, up to two pixels away in either
    direction, where it is largest. Neither a shift by so much, nor what fills the margin, nor a
    gain or offset of all pixels makes a difference, and JPEG's noise makes a small one.

    It is divided by the mean distance to the next ten, as by Carlini et al. 2023:
    simple images are close to each other without being copies.

    Images of 64 pixels or more a side are first shrunk by a whole factor, to 32 to 63; then two
    pixels are that many times as much. Images of less than 16 a side are shifted by one pixel, of
    less than 8 by none.

    Args:
        pixels: uint8, N×C×H×W.
        labels: N.
        train: uint8, M×C×H×W.
        train_labels: M.

    Raises:
        TooFewRowsError: a class without two training images.
    """
    pixels, train = _shrunk(pixels), _shrunk(train)
    found = Matches(np.empty(len(pixels)), np.empty(len(pixels), np.int64))
    for rows, own_class in _by_class(labels, train_labels):
        require_rows(2, f"search for near copies in class {labels[rows[0]]}", training=own_class)
        k = min(NEXT_MATCHES, len(own_class) - 1)
        step = max(1, MATCHES_AT_ONCE // len(own_class))
        for part in (rows[start : start + step] for start in range(0, len(rows), step)):
            squares = _match(pixels[part], train, own_class)
            best = np.argpartition(squares, k, axis=1)[:, : k + 1]
            distances = np.sqrt(np.take_along_axis(squares, best, axis=1)).astype(np.float64)
            closest = distances.argmin(axis=1)[:, None]
            least = np.take_along_axis(distances, closest, axis=1)[:, 0]
            others = (distances.sum(axis=1) - least) / k
            found.relative[part] = np.divide(
                least, others, out=np.zeros_like(least), where=least > 0
            )
            found.indices[part] = own_class[np.take_along_axis(best, closest, axis=1)[:, 0]]
    return found


def _reasons(
    exact: float, holdout_exact: float, near: NearCopies, match_ratio: Ratio, c_t: float
) -> Iterator[str]:
    if exact > holdout_exact + EXACT_COPIES:
        yield (
            f"{exact:.1%} are exact copies of training images, against {holdout_exact:.1%} of "
            f"held-out images: more than {EXACT_COPIES:.1%} beyond"
        )
    if near.beyond > NEAR_COPIES and _chance(near) < SIGNIFICANCE:
        yield (
            f"{near.share:.1%} are near copies of training images, against "
            f"{near.holdout_share:.1%} of held-out images: more than {NEAR_COPIES:.0%} beyond"
        )
    if c_t < DATA_COPYING and match_ratio.high < MATCH_RATIO:
        yield (
            f"they are closer to the training images than held-out images are (C_T {c_t:.1f}, "
            f"bound {DATA_COPYING:g}) and to single ones at that (ratio {match_ratio.value:.2f}, "
            f"at most {match_ratio.high:.2f}, bound {MATCH_RATIO:g})"
        )


def _chance(near: NearCopies) -> float:
    """Return p of Fisher's exact test: as many near copies or more if both sets were alike."""
    from scipy.stats import fisher_exact

    sides = [part.relative < near.threshold for part in (near.synthetic, near.holdout)]
    table = [[int(copies.sum()), int((~copies).sum())] for copies in sides]
    return float(fisher_exact(table, alternative="greater").pvalue)


def _by_class(labels: Labels, reference_labels: Labels) -> Iterator[tuple[Indices, Indices]]:
    """Yield the rows of each class, and those of its references."""
    for label in np.unique(labels):
        own_class = np.flatnonzero(reference_labels == label)
        if not len(own_class):
            raise TooFewRowsError(
                f"class {label} has no training images to compare with: leave its images out"
            )
        yield np.flatnonzero(labels == label), own_class


def _same_classes(labels: Labels, others: Labels) -> tuple[Indices, Indices]:
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


def _shrunk(pixels: Pixels) -> Pixels:
    """Return images as they are, or larger ones as the means of square blocks."""
    n, channels, height, width = pixels.shape
    factor = min(height, width) // (SHRINK_FROM // 2)
    if factor < 2:
        return pixels
    inside = pixels[:, :, : height // factor * factor, : width // factor * factor]
    blocks = inside.reshape(n, channels, height // factor, factor, width // factor, factor)
    return (blocks.sum(axis=(3, 5), dtype=np.uint32) // factor**2).astype(np.uint8)


def _match(pixels: Pixels, train: Pixels, chosen: Indices) -> NDArray[np.float32]:
    """Return squared distances, N×M, of images to the chosen training images, best shift of each.

    Each is the squared distance of two vectors of length 1 (or 0, if flat), which is 2 − 2ρ.
    """
    height, width = pixels.shape[2:]
    shift = min(LARGEST_SHIFT, min(height, width) // SHIFT_SHARE)
    rows, columns = height - 2 * shift, width - 2 * shift
    inner = _unit(pixels[:, :, shift : shift + rows, shift : shift + columns])
    squares = np.full((len(pixels), len(chosen)), np.inf, np.float32)
    step = max(1, MATCHES_AT_ONCE // inner.shape[1])
    for start in range(0, len(chosen), step):
        part = slice(start, start + step)
        images = train[chosen[part]]
        for top, left in np.ndindex(2 * shift + 1, 2 * shift + 1):
            window = _unit(images[:, :, top : top + rows, left : left + columns])
            apart = inner @ window.T
            apart *= -2
            apart += np.square(inner).sum(axis=1)[:, None]
            apart += np.square(window).sum(axis=1)
            np.minimum(squares[:, part], apart, out=squares[:, part])
    return squares.clip(0)


def _unit(pixels: Pixels) -> NDArray[np.float32]:
    """Return images less their mean, N×(C H W), at length 1; flat ones shorter."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.maximum(lengths, FLAT * np.sqrt(flat.shape[1]))
    return flat
