"""Sizes: what images have by their headers, at which they are stored, and what that costs them."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.ingest import chunks
from gan_augment.ingest.decode import Rejected, look
from gan_augment.ingest.sources.raw import Found, RawImage
from gan_augment.params import MAX_SIDE, IngestParams
from gan_augment.progress import progress

LONGER = 224
"""Pixels of the longer side of photographs: what pretrained networks are used to."""
MOST = 0.9
"""Share of the images that decides for all of them."""
ELONGATED = 1.25
"""Aspect from which on images that share one are not made square."""

Size = tuple[int, int]
"""Height and width in pixels."""


def to_store(found: Found, params: IngestParams) -> Size:
    """Return the size to store images at that cannot all stay as they are.

    Only headers are read; what ingestion refuses does not count.

    Args:
        found: what the source holds; its images are used up.
        params: of ingestion.

    Raises:
        UserError: no image can be used, or the source ends in an error of its own.
    """
    sizes: Counter[Size] = Counter()
    done = 0
    with progress("look at sizes", found.total, "images") as advance:
        for number, here in chunks.each(partial(_look, params=params), found):
            sizes += here
            done += number
            advance(done)
    if not sizes:
        raise UserError(f"none of the {found.total} images has a size that can be used")
    return one_for_all(sizes)


def one_for_all(sizes: Counter[Size]) -> Size:
    """Return the size to store images of some sizes at.

    If nine in ten share one of at most `MAX_SIDE` pixels a side, it is that, else one that suits
    them, of at most `LONGER`.
    """
    own = shared(sizes)
    return own if own and max(own) <= MAX_SIDE else suitable(list(sizes.elements()))


def shared(sizes: Counter[Size]) -> Size | None:
    """Return the size that nine in ten images have, if there is one."""
    size, number = sizes.most_common(1)[0]
    return size if number >= MOST * sizes.total() else None


def suitable(sizes: Sequence[Size], longest: int = LONGER) -> Size:
    """Return a size that suits images of several sizes, or of one that is too large.

    Its sides are multiples of 8, as networks want them. An aspect that most images share is kept;
    without one it is square.

    Args:
        sizes: of each image.
        longest: most pixels a side.
    """
    height, width = (median(sides) for sides in zip(*sizes, strict=True))
    longer = min(longest, _multiple(max(height, width)))
    if not _share_an_aspect(sizes) or max(height, width) < ELONGATED * min(height, width):
        return longer, longer
    shorter = _multiple(longer * min(height, width) / max(height, width))
    return (shorter, longer) if width > height else (longer, shorter)


def kept(sizes: NDArray[np.integer[Any]], stored: Size) -> NDArray[np.float64]:
    """Return the share of each image that is left when it is cropped to the aspect of `stored`.

    Padded instead, that share of what is stored shows the image; stretched, its proportions change
    by one over it.

    Args:
        sizes: height and width of each image, N×2.
        stored: height and width.
    """
    aspects, wanted = sizes[:, 1] / sizes[:, 0], stored[1] / stored[0]
    shares: NDArray[np.float64] = np.minimum(aspects, wanted) / np.maximum(aspects, wanted)
    return shares


def _share_an_aspect(sizes: Sequence[Size]) -> bool:
    """Return whether nine in ten images are within a tenth of the median aspect."""
    aspects = [width / height for height, width in sizes]
    usual = median(aspects)
    return sum(abs(aspect / usual - 1) <= 0.1 for aspect in aspects) >= MOST * len(aspects)


def _multiple(side: float) -> int:
    """Return the multiple of 8 that is nearest, 8 at least."""
    return max(8, 8 * round(side / 8))


def _look(images: Sequence[RawImage], params: IngestParams) -> tuple[int, Counter[Size]]:
    """Return how many images these are, and the sizes of those that can be used."""
    sizes: Counter[Size] = Counter()
    for image in images:
        try:
            width, height = look(image, params)
        except Rejected:
            continue
        sizes[height, width] += 1
    return len(images), sizes
