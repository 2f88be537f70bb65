"""Support: does an image lie where real images of its class are?"""

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import squared_distances
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Passed, Scores
from gan_augment.synthesis.gates.sight import Gate, of_ensemble

NEIGHBOURS = 3


def support(evidence: Evidence) -> Gate:
    """Score by realism, at least 0: 1 or more is inside the neighbourhood of a real image.

    R(x) = max_i r_i / ‖x − x_i‖ over training images x_i of the class, with r_i the distance to the
    third nearest other one, and without the half whose r_i is above the median (Kynkäänniemi et al.
    2019, eq. 4), in the features of the ensemble. The threshold is what `keep_real` of the
    validation images of the class reach. A class with a single training image has no
    neighbourhoods: all of it passes, with NaN as the score.
    """
    train = evidence.train
    features = evidence.ensemble(train.pixels).values
    spheres = {}
    for label in np.flatnonzero(evidence.comparable).tolist():
        own = features[train.labels == label]
        spheres[label] = own, _reach(own)

    def realism(seen: Scores, label: int) -> Scores:
        if label not in spheres:
            return np.full(len(seen), np.nan)
        centres, reach = spheres[label]
        kept = reach <= np.median(reach)
        parts = squared_distances(seen, centres[kept])
        ratios = [reach[kept] ** 2 / np.maximum(squares, 1e-12) for _, squares in parts]
        result: Scores = np.sqrt(np.concatenate(ratios).max(axis=1))
        return result

    labels = evidence.validation.labels
    real = np.empty(len(labels))
    for label in np.unique(labels):
        real[labels == label] = realism(evidence.real.values[labels == label], int(label))
    bounds = evidence.by_class(real, 1 - evidence.keep_real)

    def judge(candidates: Candidates, _: Passed) -> tuple[Scores, Passed]:
        scores = realism(candidates.seen.values, candidates.label)
        if candidates.label not in spheres:
            return scores, np.ones(len(scores), bool)
        return scores, scores >= bounds[candidates.label]

    return Gate(judge, of_ensemble(evidence, references=True))


def _reach(rows: NDArray[np.float64]) -> Scores:
    """Return the distance of each row to its third nearest other, or to the farthest there is."""
    k = min(NEIGHBOURS, len(rows) - 1)
    parts = [np.partition(squares, k, axis=1)[:, k] for _, squares in squared_distances(rows, rows)]
    result: Scores = np.sqrt(np.maximum(np.concatenate(parts), 0))
    return result
