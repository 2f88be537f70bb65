"""Images that show the same: equal pixels, or nearly so.

Near-duplicates are looked for in two steps. A 64-bit difference hash of a thumbnail finds
candidates: hashes that differ in at most three bits. A pixel check then decides: the root of
the mean squared difference of the thumbnails, in grey levels, is below a stated threshold.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL = 16
"""Most pixels a side of a thumbnail: small enough for the noise of JPEG to average out."""
RADIUS = 3
"""Bits in which the hashes of near-duplicates may differ."""
_BANDS = 6
_WINDOW = 250
_PAIRS = 50_000

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
    """Return the 64-bit difference hashes (Krawetz 2013) of uint8 pictures, N×H×W to N."""
    shrunk = [
        Image.fromarray(picture).resize((9, 8), Image.Resampling.LANCZOS) for picture in pictures
    ]
    small = np.stack([np.asarray(picture) for picture in shrunk])
    rises = small[:, :, 1:] > small[:, :, :-1]
    return np.packbits(rises.reshape(-1, 64), axis=1).view("<u8")[:, 0]


def clusters(
    ids: Sequence[str],
    hashes: NDArray[np.uint64] | None,
    thumbnails_of: Callable[[Rows], NDArray[np.uint8]],
    threshold: float | None,
) -> Rows:
    """Return for each image the number of its cluster of duplicates, int64, N.

    A cluster is what chains of duplicates connect; most hold one image.

    Args:
        ids: N hashes of pixels.
        hashes: uint64, N, difference hashes; None for exact duplicates only.
        thumbnails_of: returns the thumbnails of some images (ascending), flat: uint8, M×D.
        threshold: of the pixel check, in grey levels; None for exact duplicates only.
    """
    inverse, _ = pd.factorize(np.asarray(ids, object))
    first = np.unique(inverse, return_index=True)[1]
    edges = [np.stack([np.arange(len(ids)), first[inverse]], axis=1)]
    if hashes is not None and threshold is not None:
        rows = np.sort(first)
        edges.append(rows[near_pairs(hashes[rows], lambda i: thumbnails_of(rows[i]), threshold)])
    return components(len(ids), np.concatenate(edges))


def components(count: int, edges: Rows) -> Rows:
    """Return for each of `count` nodes the number of its connected component, int64."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges), bool), edges.T), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def near_pairs(
    hashes: NDArray[np.uint64],
    thumbnails_of: Callable[[Rows], NDArray[np.uint8]],
    threshold: float,
) -> Rows:
    """Return the pairs of near-duplicates, int64, M×2, in order.

    Args: see `clusters`.
    """
    hit = np.zeros(len(hashes), bool)
    for pairs in candidates(hashes):
        hit[pairs] = True
    rows = np.flatnonzero(hit)
    if not len(rows):
        return np.zeros((0, 2), np.int64)
    pixels = thumbnails_of(rows)
    level = pixels.mean(axis=1)
    position = np.cumsum(hit) - 1
    found = []
    for pairs in candidates(hashes):
        i, j = position[pairs].T
        # No pair differs by less than its mean levels do; this spares most of them the check.
        alike = np.flatnonzero(np.abs(level[i] - level[j]) < threshold)
        difference = pixels[i[alike]].astype(np.int16) - pixels[j[alike]]
        error = np.square(difference, dtype=np.int32).mean(axis=1)
        found.append(pairs[alike[error < threshold**2]])
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def candidates(hashes: NDArray[np.uint64]) -> Iterator[Rows]:
    """Yield pairs of rows whose hashes differ in at most RADIUS bits, int64, a block at a time.

    Multi-index hashing (Norouzi et al. 2012): cut into bands, two such hashes agree in all but
    RADIUS bands, so sorting by each choice of the other bands brings them together. It takes time
    in proportion to the images, not to their pairs. Of images in a row that agree there, each is
    compared with the next 250: more share a hash only where it says nothing.
    """
    edges = np.linspace(0, 64, _BANDS + 1).round().astype(int)
    bands = [((1 << int(b - a)) - 1) << int(a) for a, b in pairwise(edges)]
    for number, kept in enumerate(combinations(bands, _BANDS - RADIUS)):
        keys = hashes & np.uint64(sum(kept))
        order = np.lexsort((hashes, keys))
        keys = keys[order]
        here = np.arange(len(keys))
        for ahead in range(1, _WINDOW + 1):
            here = here[: np.searchsorted(here, len(keys) - ahead)]
            here = here[keys[here] == keys[here + ahead]]
            if not len(here):
                break
            pairs = np.stack([order[here], order[here + ahead]], axis=1)
            apart = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
            # Equal hashes meet under every choice of bands: once is enough.
            close = pairs[(apart <= RADIUS) & ((apart > 0) | (number == 0))]
            yield from np.array_split(close, range(_PAIRS, len(close), _PAIRS))
