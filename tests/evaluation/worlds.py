"""Made-up outcomes of arms whose accuracy is known."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from gan_augment.evaluation.outcomes import Outcomes
from gan_augment.evaluation.statistics import Floats

Right = Mapping[tuple[str, str], Floats]


def outcomes(
    right: Right, label: np.ndarray, repeats: int, group: np.ndarray | None = None
) -> Outcomes:
    """Return outcomes of images with these labels, each right repeats × N."""
    images = len(label)
    return Outcomes(
        np.repeat(np.arange(repeats), images),
        np.tile(label, repeats),
        np.tile(np.arange(images) if group is None else group, repeats),
        {number: chr(ord("a") + number) for number in np.unique(label).tolist()},
        {key: np.asarray(found, float).ravel() for key, found in right.items()},
    )


def steady(accuracies: Mapping[str, float], images: int = 2000, repeats: int = 6) -> Outcomes:
    """Return outcomes of arms that all get the same, easiest images right, but for one in 500.

    Two classifiers, of which k-nn is ten points below svm, and two classes.
    """
    ease = np.linspace(0, 1, images, endpoint=False)
    right = {}
    for number, (arm, accuracy) in enumerate(accuracies.items()):
        jitter = np.random.default_rng(number).normal(0, 0.001, (repeats, 1))
        for judge, shift in (("svm", 0.0), ("k-nn", -0.1)):
            right[judge, arm] = ease + jitter < accuracy + shift
    return outcomes(right, np.arange(images) % 2, repeats)


def random(
    draw: np.random.Generator,
    sizes: list[int],
    repeats: int,
    arms: Mapping[str, float],
    *,
    kept: float = 0.0,
    luck: float = 0.0,
) -> Outcomes:
    """Return outcomes of one classifier on images of their own difficulty, by a probit model.

    Args:
        draw: where chance comes from.
        sizes: images of each class.
        repeats: how many.
        arms: shift of each arm's probit; 0 for all is no effect.
        kept: how much arms differ on an image in all repeats.
        luck: how much a repeat of an arm is better than another.
    """
    label = np.repeat(np.arange(len(sizes)), sizes)
    difficulty = draw.normal(1.5, 2, len(label))
    right = {}
    for arm, shift in arms.items():
        own = draw.normal(shift, kept, len(label)) if kept else shift
        lucky = draw.normal(0, luck, (repeats, 1))
        right["svm", arm] = (
            difficulty + own + lucky + draw.normal(0, 0.5, (repeats, len(label))) > 0
        )
    return outcomes(right, label, repeats)


def accuracy(shift: float, kept: float, luck: float) -> float:
    """Return the accuracy that `random` expects of an arm."""
    return float(norm.cdf((1.5 + shift) / np.sqrt(4 + kept**2 + luck**2 + 0.25)))
