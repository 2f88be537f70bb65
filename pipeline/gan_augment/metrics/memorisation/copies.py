"""Copies, found one by one: images that match one training image far too well, by pixels."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import Rows, require_rows, squared_distances
from gan_augment.metrics.memorisation.sample import (
    RATIO_ROWS,
    Indices,
    Labels,
    Pixels,
    Sample,
    by_class,
)
from gan_augment.metrics.standard import standard
from gan_augment.table import pixel_hash

NEXT_MATCHES = 10
SPREADS = 5
SHRINK_FROM = 64
SHIFT_SHARE, LARGEST_SHIFT = 8, 2
FLAT = 2.0
"""Pixels that deviate less than this from their mean are taken for flat: of 255, it is noise."""
MATCHES_AT_ONCE = 2**24
"""Matches in memory at once: 64 MiB."""
PREPARED_AT_ONCE = 256

Take = Callable[[Indices], Any]
"""Rows of training images → these images, shrunk, or standardised."""


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


def exact_copy_search(train: Pixels) -> Callable[[Pixels], NDArray[np.bool_]]:
    """Return what finds, in one set of images (uint8, N×C×H×W) after another, exact copies, N.

    They have the very pixels of a training image.
    """
    known = {pixel_hash(image) for image in train}

    def search(pixels: Pixels) -> NDArray[np.bool_]:
        return np.array([pixel_hash(image) in known for image in pixels], bool)

    return search


def near_copy_search(
    holdout: Pixels, holdout_labels: Labels, train: Pixels, train_labels: Labels
) -> Callable[[Pixels, Labels], NearCopies]:
    """Return a search for images that match one training image far better than the next ones.

    See `match_search`. How much better is real is learnt from held-out images: with m their median
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
    matched = match_search(train, train_labels)
    real = matched(holdout, holdout_labels)
    quartile, median = np.quantile(real.relative, [0.25, 0.5])
    threshold = float(median * (quartile / median) ** SPREADS) if median else 0.0

    def search(pixels: Pixels, labels: Labels) -> NearCopies:
        return NearCopies(matched(pixels, labels), real, threshold)

    return search


def near_copies(synthetic: Sample, holdout: Sample, train: Sample) -> NearCopies:
    """Search the synthetic images for near copies, see `near_copy_search`."""
    search = near_copy_search(holdout.pixels, holdout.labels, train.pixels, train.labels)
    return search(synthetic.pixels, synthetic.labels)


def match_search(train: Pixels, train_labels: Labels) -> Callable[[Pixels, Labels], Matches]:
    """Return what matches images with training images of their class, however shifted or bright.

    The distance of two images is √(2 − 2ρ), with ρ the normalised cross-correlation (Lewis 1995) of
    the first one's inner part with the part of the second one, up to two pixels away in either
    direction, where it is largest. Neither a shift by so much, nor what fills the margin, nor a
    gain or offset of all pixels makes a difference, and JPEG's noise makes a small one.

    It is divided by the mean distance to the next ten, as by Carlini et al. 2023:
    simple images are close to each other without being copies.

    Images of 64 pixels or more a side are first shrunk by a whole factor, to 32 to 63; then two
    pixels are that many times as much. Images of less than 16 a side are shifted by one pixel, of
    less than 8 by none.

    The distance of two feature vectors of a backbone is Euclidean, once they are standardised.

    Args:
        train: uint8, M×C×H×W; or features, float32, M×F. They may be mapped: those of a class at a
            time are in memory, as small as they are needed.
        train_labels: M.

    Returns:
        A function of N images, or features, and their labels. It raises a `TooFewRowsError` for a
        class without two training images.
    """
    prepare, squared = (standard(train), _apart) if train.ndim == 2 else (_shrunk, _match)

    def take(chosen: Indices) -> Any:
        starts = range(0, len(chosen), PREPARED_AT_ONCE)
        return np.concatenate(
            [prepare(train[chosen[start : start + PREPARED_AT_ONCE]]) for start in starts]
        )

    def search(pixels: Pixels, labels: Labels) -> Matches:
        pixels = prepare(pixels)
        found = Matches(np.empty(len(pixels)), np.empty(len(pixels), np.int64))
        for rows, own_class in by_class(labels, train_labels):
            require_rows(
                2, f"search for near copies in class {labels[rows[0]]}", training=own_class
            )
            step = max(1, MATCHES_AT_ONCE // len(own_class))
            for part in (rows[start : start + step] for start in range(0, len(rows), step)):
                best = _best(squared(pixels[part], take, own_class))
                found.relative[part], found.indices[part] = best.relative, own_class[best.indices]
        return found

    return search


def _best(squares: NDArray[np.float32]) -> Matches:
    """Return the best of squared distances N×M, `indices` being columns."""
    k = min(NEXT_MATCHES, squares.shape[1] - 1)
    best = np.argpartition(squares, k, axis=1)[:, : k + 1]
    distances = np.sqrt(np.take_along_axis(squares, best, axis=1)).astype(np.float64)
    closest = distances.argmin(axis=1)[:, None]
    least = np.take_along_axis(distances, closest, axis=1)[:, 0]
    others = (distances.sum(axis=1) - least) / k
    relative = np.divide(least, others, out=np.zeros_like(least), where=least > 0)
    return Matches(relative, np.take_along_axis(best, closest, axis=1)[:, 0])


def _shrunk(pixels: Pixels) -> Pixels:
    """Return images as they are, or larger ones as the means of square blocks."""
    n, channels, height, width = pixels.shape
    factor = min(height, width) // (SHRINK_FROM // 2)
    if factor < 2:
        return pixels
    inside = pixels[:, :, : height // factor * factor, : width // factor * factor]
    blocks = inside.reshape(n, channels, height // factor, factor, width // factor, factor)
    return (blocks.sum(axis=(3, 5), dtype=np.uint32) // factor**2).astype(np.uint8)


def _apart(values: Rows, take: Take, chosen: Indices) -> NDArray[np.float32]:
    """Return squared distances, N×M, of vectors to the chosen training images'."""
    parts = [part for _, part in squared_distances(values, take(chosen))]
    return np.concatenate(parts).clip(0).astype(np.float32)


def _match(pixels: Pixels, take: Take, chosen: Indices) -> NDArray[np.float32]:
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
        images = take(chosen[part])
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
