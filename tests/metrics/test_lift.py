import numpy as np
import pandas as pd
import pytest

from gan_augment.metrics.lift import MOST, Lift
from gan_augment.table import FeatureSpace, Images

WIDTH = 6


def samples(counts: tuple[int, ...], seed: int, apart: float = 2.0) -> Images:
    """Return Gaussian features of classes that lie apart along an axis each."""
    labels = np.repeat(np.arange(len(counts)), counts)
    values = np.random.default_rng(seed).standard_normal((len(labels), WIDTH))
    values[np.arange(len(labels)), labels] += apart
    rows = pd.DataFrame(index=range(len(labels)))
    names = tuple("abcdef"[: len(counts)])
    space = FeatureSpace("test", "0" * 16, WIDTH, (8, 8))
    return Images(values.astype(np.float32), labels, names, rows, space)


def test_true_samples_of_a_scarce_class_help_and_false_ones_harm() -> None:
    lift = Lift(samples((150, 5), 0), samples((400, 400), 1), 0)
    assert lift.extra.tolist() == [0, 145]
    more = samples((145, 145), 2)
    right, wrong = more.pixels[more.labels == 1], more.pixels[more.labels == 0]
    label = np.ones(145, np.int64)
    helped, harmed = lift(right, label), lift(wrong, label)
    assert helped.lift > 0.1 > 5 * helped.error
    assert harmed.lift < -0.05


def test_its_standard_error_is_its_scatter_over_validation_samples() -> None:
    train, more = samples((150, 5), 0), samples((145, 145), 2)
    rows = more.labels == 1
    gains = [
        Lift(train, samples((60, 40), seed), 0)(more.pixels[rows], more.labels[rows])
        for seed in range(10, 110)
    ]
    scatter = np.std([gain.lift for gain in gains])
    assert np.mean([gain.error for gain in gains]) == pytest.approx(scatter, rel=0.25)


def test_many_real_samples_are_a_fair_sample() -> None:
    lift = Lift(samples((2 * MOST, MOST // 2), 0), samples((50, 50), 1), 0)
    assert lift.extra.tolist() == [0, 900]  # of 1,200 and 300


def test_pixels_have_one_too(train_images: Images) -> None:
    lift = Lift(train_images, train_images, 0)
    assert lift(train_images.pixels, train_images.labels).lift == pytest.approx(0, abs=0.02)
