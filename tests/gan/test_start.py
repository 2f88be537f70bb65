"""Training of features starts from the Gaussian whose draws add most on validation."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from gan_augment.calibration import COVARIANCES
from gan_augment.gan import start
from gan_augment.gan.networks import Shape
from gan_augment.metrics.lift import Gain, Lift
from gan_augment.table import FeatureSpace, Images

WIDTH, CLASSES = 24, ("a", "b")


def features(counts: tuple[int, int], seed: int = 0) -> Images:
    """Return two classes that differ in the first of many dimensions."""
    draw = np.random.default_rng(seed)
    labels = np.repeat([0, 1], counts)
    values = draw.standard_normal((len(labels), WIDTH))
    values[:, 0] += 3 * labels
    rows = pd.DataFrame(index=range(len(labels)))
    space = FeatureSpace("test", "0" * 16, WIDTH, (8, 8))
    return Images(values.astype(np.float32), labels, CLASSES, rows, space)


def shape(codes: int) -> Shape:
    return Shape(codes, (), 2, codes, 4, 8, features=WIDTH)


class Likes:
    """A lift of samples that do not vary in more than so many directions."""

    extra = np.array([0, 30])

    def __init__(self, directions: int) -> None:
        self._directions = directions

    def __call__(self, samples: np.ndarray, labels: np.ndarray) -> Gain:
        assert set(labels) == {1}
        rank = np.linalg.matrix_rank(samples - samples.mean(axis=0), tol=1e-2)
        return Gain(-abs(float(rank) - self._directions), 0.0)


@pytest.mark.parametrize("wanted", [16, 23])
def test_it_is_the_one_with_the_highest_lift(wanted: int) -> None:
    rows = start.candidates(features((40, 40)), Likes(wanted), shape, 0)  # type: ignore[arg-type]
    assert [row["codes"] for row in rows] == [16] * 3 + [24] * 3
    assert [row["covariance"] for row in rows] == 2 * list(COVARIANCES)
    assert start.best(rows)["codes"] == (16 if wanted == 16 else 24)


def test_of_several_it_is_the_one_with_fewest_codes() -> None:
    rows = [{"codes": codes, "lift": lift} for codes, lift in ((16, 0.1), (32, 0.2), (64, 0.2))]
    assert start.best(rows)["codes"] == 32


def test_few_samples_have_few_codes() -> None:
    small = features((6, 4))
    rows = start.candidates(small, Lift(small, features((30, 30), 1), 0), partial(shape), 0)
    assert {row["codes"] for row in rows} == {9}
