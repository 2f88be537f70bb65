"""Gates: which images of the generator are worth having.

A gate is fitted to evidence once and then judges candidates of one class at a time: a score for
each, the higher the better, and whether it passes. Thresholds are chosen on validation images. What
a gate goes by, and where it is blind, is its `sight`.
Candidates go through the gates in the order of the registry.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gan_augment.synthesis.gates.agreement import agreement
from gan_augment.synthesis.gates.copies import copies
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Judge, Passed, Scores
from gan_augment.synthesis.gates.rejection import rejection
from gan_augment.synthesis.gates.repeats import repeats
from gan_augment.synthesis.gates.sight import Gate
from gan_augment.synthesis.gates.support import support

GATES: dict[str, Callable[[Evidence], Gate]] = {
    "agreement": agreement,
    "rejection": rejection,
    "support": support,
    "copies": copies,
    "repeats": repeats,
}


class Judged(NamedTuple):
    """What became of N candidates.

    Attributes:
        passed: N, true for those that passed all gates.
        scores: by gate, float64 N.
        tally: by gate, how many came to it and how many passed it.
    """

    passed: Passed
    scores: dict[str, Scores]
    tally: dict[str, tuple[int, int]]


def fit(names: Sequence[str], evidence: Evidence) -> dict[str, Gate]:
    """Return the fitted gates of these names, in the order in which they judge."""
    return {name: gate(evidence) for name, gate in GATES.items() if name in names}


def judge(candidates: Candidates, judges: Mapping[str, Judge]) -> Judged:
    """Send candidates through the gates, one after another."""
    passed = np.ones(len(candidates), bool)
    scores, tally = {}, {}
    for name, gate in judges.items():
        came = int(passed.sum())
        scores[name], passes = gate(candidates, passed)
        passed = passed & passes
        tally[name] = came, int(passed.sum())
    return Judged(passed, scores, tally)
