"""Agreement: do classifiers see the class that was asked for?"""

import numpy as np

from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Passed, Scores
from gan_augment.synthesis.gates.sight import Gate, of_ensemble


def agreement(evidence: Evidence) -> Gate:
    """Score by the ensemble's probability of the class asked for (0–1).

    Filtering by confidence as in GaFi (Lampis et al. 2023); the threshold is the probability that
    `keep_real` of the validation images of the class reach for theirs.
    """
    labels = evidence.validation.labels
    own = evidence.real.probabilities[np.arange(len(labels)), labels]
    bounds = evidence.by_class(own, 1 - evidence.keep_real)

    def judge(candidates: Candidates, _: Passed) -> tuple[Scores, Passed]:
        probabilities = candidates.seen.probabilities[:, candidates.label]
        return probabilities, probabilities >= bounds[candidates.label]

    return Gate(judge, of_ensemble(evidence))
