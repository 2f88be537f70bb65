"""Repeats: does an image say what one before it has said already?"""

import numpy as np

from gan_augment.metrics.fidelity import squared_distances
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Passed, Scores
from gan_augment.synthesis.gates.sight import Gate, Sight, of_thresholds

CLOSE = 0.25
"""Of the typical distance of a validation image to the nearest training image: nearer repeats."""


def repeats(evidence: Evidence) -> Gate:
    """Score by the distance to the nearest image that passed before, in that typical distance.

    Distances are between principal components of pixels, within a class. The first of several that
    repeat each other passes. The gate remembers what it let through, so it comes last; images of
    another seed are another set, and are judged among themselves.
    """
    validation = evidence.validation
    codes = evidence.components(validation.pixels).values
    distances = evidence.nearest(codes, validation.labels).distances
    typical = np.maximum(evidence.by_class(distances, 0.5), 1e-12)
    sets: dict[int, dict[int, Scores]] = {}

    def before(label: int, seed: int) -> Scores:
        if seed not in sets:
            sets.clear()
        return sets.setdefault(seed, {}).get(label, codes[:0])

    def remember(label: int, seed: int, passed: Scores) -> None:
        known = before(label, seed)
        sets[seed][label] = np.concatenate([known, passed])

    def judge(candidates: Candidates, passed: Passed) -> tuple[Scores, Passed]:
        label, codes = candidates.label, candidates.codes
        bound = CLOSE * typical[label]
        known = before(label, candidates.seed)
        closest = np.full(len(codes), np.inf)
        if len(known):
            for part, squares in squared_distances(codes, known):
                closest[part] = np.sqrt(np.maximum(squares.min(axis=1), 0))
        new = np.zeros(len(codes), bool)
        for row in np.flatnonzero(passed):
            if new[:row].any():
                nearest = np.linalg.norm(codes[:row][new[:row]] - codes[row], axis=1).min()
                closest[row] = min(closest[row], nearest)
            new[row] = closest[row] >= bound
        remember(label, candidates.seed, codes[new])
        return closest / typical[label], new

    return Gate(judge, Sight(unsure=of_thresholds(evidence)), remember)
