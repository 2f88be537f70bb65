"""The nearest training image of each image, by features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import Rows, require_rows
from gan_augment.metrics.memorisation.sample import Indices, Labels, by_class


class Nearest(NamedTuple):
    """Of N queries, the distance to the nearest reference, float64, and its row, int64."""

    distances: NDArray[np.float64]
    indices: Indices


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
    for rows, own_class in by_class(labels, reference_labels):
        distances, indices = nearest(queries[rows], references[own_class])
        found.distances[rows], found.indices[rows] = distances, own_class[indices]
    return found
