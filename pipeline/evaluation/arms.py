"""The ways to train a classifier that are compared: each turns the same images into a training set.

A `gan` arm uses the generator, a `plain` arm is what a user would do without one, a `control` is
measured to understand the others and is never recommended.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.params import ClassicParams
from pipeline.seeding import rng
from pipeline.synthesis.baselines import BASELINES, Baseline
from pipeline.table import Images


@dataclass(frozen=True)
class TrainingSet:
    """What a classifier is trained on.

    Attributes:
        pixels: uint8 N×C×H×W.
        labels: int64 N.
        real: the first so many rows are the real training images, in order.
        classes: number of classes.
        weights: float64 N, how much each row counts.
        classic: transforms to apply to every image while training, if any.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    real: int
    classes: int
    weights: NDArray[np.float64]
    classic: ClassicParams | None = None


@dataclass(frozen=True)
class Material:
    """What arms are made of.

    Attributes:
        real: the train split.
        synthetic: data/synthetic, what would ship.
        stand_in: synthetic images in the class counts of the real ones.
        classic: what classic augmentation may do.
    """

    real: Images
    synthetic: Images
    stand_in: Images
    classic: ClassicParams


class Arm(NamedTuple):
    """How the training set is made, from the material and a seed, and what the arm stands for."""

    make: Callable[[Material, int], TrainingSet]
    kind: Literal["gan", "plain", "control"]


def real(material: Material, _: int) -> TrainingSet:
    """Take the real images as they are."""
    return _training_set(material.real)


def class_weights(material: Material, _: int) -> TrainingSet:
    """Weigh images so that every class counts the same (classifiers without weights ignore it)."""
    counts = material.real.counts()
    balanced = counts.sum() / (len(counts) * counts)
    return replace(_training_set(material.real), weights=balanced[material.real.labels])


def _with_baseline(baseline: Baseline) -> Callable[[Material, int], TrainingSet]:
    def make(material: Material, seed: int) -> TrainingSet:
        extra = baseline(material.real, material.synthetic.counts(), seed)
        return _training_set(material.real, extra)

    return make


def classic(material: Material, seed: int) -> TrainingSet:
    """Balance the classes with real images, and transform all images slightly."""
    balanced = _with_baseline(BASELINES["oversample"])(material, seed)
    return replace(balanced, classic=material.classic)


def gan(material: Material, _: int) -> TrainingSet:
    """Add the synthetic images."""
    return _training_set(material.real, material.synthetic)


def gan_classic(material: Material, seed: int) -> TrainingSet:
    """Add the synthetic images, and transform all images slightly."""
    return replace(gan(material, seed), classic=material.classic)


def synthetic_only(material: Material, _: int) -> TrainingSet:
    """Put synthetic images in the place of the real ones: the classification accuracy score."""
    stand_in = material.stand_in
    return TrainingSet(
        stand_in.pixels, stand_in.labels, 0, len(stand_in.classes), np.ones(len(stand_in))
    )


ARMS: dict[str, Arm] = {
    "real": Arm(real, "plain"),
    "class-weights": Arm(class_weights, "plain"),
    "oversample": Arm(_with_baseline(BASELINES["oversample"]), "plain"),
    "smote": Arm(_with_baseline(BASELINES["smote"]), "plain"),
    "gmm": Arm(_with_baseline(BASELINES["gmm"]), "plain"),
    "classic": Arm(classic, "plain"),
    "gan": Arm(gan, "gan"),
    "gan+classic": Arm(gan_classic, "gan"),
    "placebo": Arm(_with_baseline(BASELINES["placebo"]), "control"),
    "synthetic-only": Arm(synthetic_only, "control"),
}


def resample(training_set: TrainingSet, seed: int) -> TrainingSet:
    """Return every row once, and half as many again drawn with replacement from each class.

    No image is ever left out: the synthetic ones were made with knowledge of all real ones, so a
    resample that dropped some would give the arms with synthetic images an unfair look at them.
    With the same seed the real rows are drawn alike in every arm: repeats are paired.
    """
    n, labels = training_set.real, training_set.labels
    first = _half_again(labels[:n], rng(seed, "resample", "real"))
    rest = _half_again(labels[n:], rng(seed, "resample", "extra"))
    rows = np.concatenate([first, n + rest])
    return replace(
        training_set,
        pixels=training_set.pixels[rows],
        labels=labels[rows],
        real=len(first),
        weights=training_set.weights[rows],
    )


def _half_again(labels: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.intp]:
    rows = [np.arange(len(labels))]
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        rows.append(draw.choice(of_class, len(of_class) // 2))
    return np.sort(np.concatenate(rows))


def _training_set(real: Images, extra: Images | None = None) -> TrainingSet:
    parts = [real] if extra is None or len(extra) == 0 else [real, extra]
    labels = np.concatenate([part.labels for part in parts])
    pixels = np.concatenate([part.pixels for part in parts])
    return TrainingSet(pixels, labels, len(real), len(real.classes), np.ones(len(labels)))
