"""Images that show the same: equal pixels, or nearly so.

Near-duplicates are looked for in two steps. A 64-bit difference hash of a thumbnail finds
candidates: hashes that differ in at most three bits. A pixel check then decides: the root of
the mean squared difference of the thumbnails, in grey levels, is below a stated threshold.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gan_augment import engine

THUMBNAIL = 16
"""Most pixels a side of a thumbnail: small enough for the noise of JPEG to average out."""
RADIUS = 3
"""Bits in which the hashes of near-duplicates may differ."""
_BANDS = 6
_WINDOW = 250
_PAIRS = 50_000

_UNIT = 2**22
"""Pillow's weights of 8-bit pixels are integers: so many make 1."""

Rows = NDArray[np.int64]


def thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the means of square blocks: uint8 N×C×H×W to N×C×h×w, h and w at most THUMBNAIL."""
    n, channels, height, width = pixels.shape
    rows, columns = (-(-side // THUMBNAIL) for side in (height, width))
    h, w = height // rows, width // columns
    total = np.zeros((n, channels, h, w * columns), np.float32)
    for row in range(rows):
        total += pixels[:, :, row : h * rows : rows, : w * columns]
    mean = sum(total[..., column::columns] for column in range(columns)) / (rows * columns)
    return np.asarray(mean).round().astype(np.uint8)


def difference_hashes(pictures: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the 64-bit difference hashes (Krawetz 2013) of uint8 pictures, N×H×W to N.

    They are shrunk to 9×8, the width first, as Pillow does it, to the last bit, but all at once.
    """
    height, width = pictures.shape[1:]
    wide = _weighted(pictures @ _weights(width, 9))
    small = _weighted(_weights(height, 8).T @ wide)
    rises = small[:, :, 1:] > small[:, :, :-1]
    return np.packbits(rises.reshape(-1, 64), axis=1).view("<u8")[:, 0]


@lru_cache
def _weights(size: int, shrunk: int) -> NDArray[np.float64]:
    """Return Pillow's Lanczos weights along a side, size×shrunk, in units of 1 / _UNIT."""
    single = Image.fromarray(np.eye(size, dtype=np.int32) * _UNIT)
    return np.asarray(single.resize((shrunk, size), Image.Resampling.LANCZOS)).astype(np.float64)


def _weighted(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole grey levels of weighted sums, which floats hold exactly."""
    return np.floor(sums / _UNIT + 0.5).clip(0, 255)


def clusters(
    ids: Sequence[str],
    hashes: NDArray[np.uint64] | None,
    thumbnails: NDArray[np.uint8] | None,
    threshold: float | None,
) -> Rows:
    """Return for each image the number of its cluster of duplicates, int64, N.

    A cluster is what chains of duplicates connect; most hold one image.

    Args:
        ids: N hashes of pixels.
        hashes: uint64, N, difference hashes; None for exact duplicates only.
        thumbnails: of all images, flat: uint8, N×D; may be mapped from a file. None as hashes.
        threshold: of the pixel check, in grey levels; None for exact duplicates only.
    """
    inverse, _ = pd.factorize(np.asarray(ids, object))
    first = np.unique(inverse, return_index=True)[1]
    edges = [np.stack([np.arange(len(ids)), first[inverse]], axis=1)]
    if hashes is not None and thumbnails is not None and threshold is not None:
        edges.append(near_pairs(np.sort(first), hashes, thumbnails, threshold))
    return components(len(ids), np.concatenate(edges))


def components(count: int, edges: Rows) -> Rows:
    """Return for each of `count` nodes the number of its connected component, int64."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges), bool), edges.T), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def near_pairs(
    rows: Rows, hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8], threshold: float
) -> Rows:
    """Return the pairs of near-duplicates among some images, int64, M×2, in order.

    Multi-index hashing (Norouzi et al. 2012): cut into bands, hashes that differ in at most RADIUS
    bits agree in all but RADIUS bands, so sorting by each choice of the other bands brings them
    together. It takes time in proportion to the images, not to their pairs. Of images in a row that
    agree there, each is compared with the next 250: more share a hash only where it says nothing,
    and then they are in the order of their mean levels.

    Args:
        rows: which images, ascending.
        hashes: of all images, and all that follows: see `clusters`.
        thumbnails: as there.
        threshold: as there.
    """
    mine, level = hashes[rows], thumbnails.mean(axis=1)

    def near(choice: int) -> Rows:
        found = [np.zeros((0, 2), np.int64)]
        for pairs in _agreeing(mine, level[rows], choice):
            i, j = rows[pairs].T
            # No pair differs by less than its mean levels do; this spares most of them the check.
            alike = np.abs(level[i] - level[j]) < threshold
            i, j = i[alike], j[alike]
            difference = thumbnails[i].astype(np.int16) - thumbnails[j]
            error = np.square(difference, dtype=np.int32).mean(axis=1)
            found.append(np.stack([i, j], axis=1)[error < threshold**2])
        return np.concatenate(found)

    found = list(engine.stream(near, range(len(_CHOICES)), processes=False))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _choices() -> list[np.uint64]:
    """Return the bits of each choice of bands."""
    edges = np.linspace(0, 64, _BANDS + 1).round().astype(int)
    bands = [((1 << int(b - a)) - 1) << int(a) for a, b in pairwise(edges)]
    return [np.uint64(sum(kept)) for kept in combinations(bands, _BANDS - RADIUS)]


_CHOICES = _choices()


def _agreeing(
    hashes: NDArray[np.uint64], levels: NDArray[np.float64], choice: int
) -> Iterator[Rows]:
    """Yield pairs of near hashes that agree in the bands of a choice, M×2, a block at a time."""
    keys = hashes & _CHOICES[choice]
    order = np.lexsort((levels, hashes, keys))
    keys, hashes = keys[order], hashes[order]
    here = np.arange(len(keys))
    for ahead in range(1, _WINDOW + 1):
        here = here[: np.searchsorted(here, len(keys) - ahead)]
        here = here[keys[here] == keys[here + ahead]]
        if not len(here):
            break
        apart = np.bitwise_count(hashes[here] ^ hashes[here + ahead])
        # Equal hashes meet under every choice of bands: once is enough.
        close = here[(apart <= RADIUS) & ((apart > 0) | (choice == 0))]
        pairs = np.stack([order[close], order[close + ahead]], axis=1)
        yield from np.array_split(pairs, range(_PAIRS, len(pairs), _PAIRS))
