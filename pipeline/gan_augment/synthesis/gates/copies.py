"""Copies: is an image a training image, or nearly?"""

import numpy as np

from gan_augment.metrics.memorisation import (
    RATIO_ROWS,
    exact_copy_search,
    match_search,
    near_copy_search,
)
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Passed, Scores
from gan_augment.synthesis.gates.sight import Gate, Sight, of_references


def copies(evidence: Evidence) -> Gate:
    """Score by the distance to the best match among the training images of the class, relative.

    See `memorisation.match_search`: 0 is the same image, 1 no closer than the others. The threshold
    is learnt from validation images, see `memorisation.near_copy_search`; where there are too few
    of them for that, only exact copies are turned away. So they are in a class with a single
    training image, where no match is better than others: the score is NaN, and nothing is learnt
    from its validation images.
    """
    train, validation, comparable = evidence.train, evidence.validation, evidence.comparable
    rows = np.flatnonzero(comparable[validation.labels])
    parts = validation.pixels[rows], validation.labels[rows], train.pixels, train.labels
    search = near_copy_search(*parts) if len(rows) >= RATIO_ROWS else None
    known, matched = exact_copy_search(train.pixels), match_search(train.pixels, train.labels)

    def judge(candidates: Candidates, _: Passed) -> tuple[Scores, Passed]:
        labels = np.full(len(candidates), candidates.label)
        new = ~known(candidates.pixels)
        if not comparable[candidates.label]:
            return np.full(len(candidates), np.nan), new
        if search is None:
            return matched(candidates.pixels, labels).relative, new
        found = search(candidates.pixels, labels)
        return found.synthetic.relative, new & ~found.copies

    blind = of_references(evidence)
    if search is None:
        reason = (
            f"only exact copies are turned away: {len(rows)} validation images, fewer than "
            f"{RATIO_ROWS}"
        )
        blind = dict.fromkeys(range(len(train.classes)), reason)
    return Gate(judge, Sight(blind=blind))
