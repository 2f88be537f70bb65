"""Sight: what a gate goes by, and where it has nothing to go by, so that chance decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gan_augment.metrics.cas import standard_error
from gan_augment.synthesis.gates.evidence import (
    LEAST_FOR_A_CLASS,
    Candidates,
    Evidence,
    Judge,
    Passed,
    Scores,
)

SURE = 2.0
"""Above chance by so many standard errors, those of chance: one guess in forty comes so far."""
ENSEMBLE = "the gates' classifiers"
LEAST_REFERENCES = 11
"""Training images of a class: `copies` compares the best match with the next ten."""


@dataclass(frozen=True)
class Sight:
    """What a gate goes by.

    Attributes:
        judge: what it asks, in words; empty if it asks no classifier.
        accuracy: the balanced accuracy of that, 0–1, on validation images; None without.
        error: its standard error.
        chance: what guessing would get.
        blind: by class index, why the gate cannot judge images of the class.
        unsure: the same where it judges, by a threshold that is not the class's own.
    """

    judge: str = ""
    accuracy: float | None = None
    error: float | None = None
    chance: float | None = None
    blind: Mapping[int, str] = field(default_factory=dict)
    unsure: Mapping[int, str] = field(default_factory=dict)

    def word(self, label: int) -> str:
        """Return "blind", "unsure" or nothing."""
        return "blind" if label in self.blind else "unsure" if label in self.unsure else ""

    def warning(self, label: int) -> str:
        """Return what there is to say of a class: "blind: …", "unsure: …" or nothing."""
        reasons = {"blind": self.blind, "unsure": self.unsure}
        word = self.word(label)
        return f"{word}: {reasons[word][label]}" if word else ""


@dataclass(frozen=True)
class Gate:
    """A fitted gate, called as its judge is.

    Attributes:
        judge: see `Judge`.
        sight: what it goes by.
        remember: (label, seed, codes N×F) → shows it candidates that passed in an earlier run;
            None if it judges each by itself.
    """

    judge: Judge
    sight: Sight
    remember: Callable[[int, int, Scores], None] | None = None

    def __call__(self, candidates: Candidates, passed: Passed) -> tuple[Scores, Passed]:
        """Return scores, and which candidates pass."""
        return self.judge(candidates, passed)


def of_ensemble(evidence: Evidence, references: bool = False) -> Sight:
    """Return the sight of a gate that asks the ensemble.

    It is blind to all classes if the balanced accuracy on validation images is not surely above
    chance, to one if its recall is not, or, where the gate compares with `references`, if the class
    has too few training images.
    """
    validation = evidence.validation
    labels, counts = validation.labels, validation.counts()
    chance = 1 / len(counts)
    right = evidence.real.probabilities.argmax(axis=1) == labels
    recalls = {y: float(right[labels == y].mean()) for y in np.flatnonzero(counts).tolist()}
    accuracy = float(np.mean(list(recalls.values()))) if recalls else chance
    if not recalls or accuracy <= chance + SURE * standard_error(chance, validation):
        reason = (
            f"{ENSEMBLE} cannot tell the classes: balanced accuracy {accuracy:.2f} on "
            f"{len(labels)} validation images, {chance:.2f} by chance"
        )
        blind = dict.fromkeys(range(len(counts)), reason)
    else:
        blind = {
            y: f"{ENSEMBLE} are not surely better than chance at the class: recall {recall:.2f} "
            f"on {counts[y]} validation images, {chance:.2f} by chance"
            for y, recall in recalls.items()
            if recall <= chance + SURE * np.sqrt(chance * (1 - chance) / counts[y])
        }
    if references:
        blind = {**of_references(evidence), **blind}
    error = standard_error(accuracy, validation) if recalls else None
    return Sight(_asked(evidence), accuracy, error, chance, blind, of_thresholds(evidence))


def _asked(evidence: Evidence) -> str:
    """Return what a gate asks, in words."""
    if evidence.second is None:
        return ENSEMBLE
    space = evidence.second.space
    return f"{ENSEMBLE}, which see features of {space.backbone} ({space.hash})"


def of_references(evidence: Evidence) -> dict[int, str]:
    """Return to which classes a gate is blind that compares with training images."""
    return {
        label: f"{count} training images to compare with, fewer than {LEAST_REFERENCES}"
        for label, count in enumerate(evidence.train.counts().tolist())
        if count < LEAST_REFERENCES
    }


def of_thresholds(evidence: Evidence) -> dict[int, str]:
    """Return in which classes a threshold is that of all classes."""
    return {
        label: f"the threshold is that of all classes: {count} validation images, fewer than "
        f"{LEAST_FOR_A_CLASS}"
        for label, count in enumerate(evidence.validation.counts().tolist())
        if count < LEAST_FOR_A_CLASS
    }
