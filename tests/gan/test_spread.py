"""The spread of a generator of features is the one with which it adds most on validation."""

import numpy as np
import pytest
import torch

from gan_augment.gan.networks import Shape, build
from gan_augment.gan.sampling import sample
from gan_augment.gan.spread import FACTORS, calibrate
from gan_augment.metrics.lift import Gain

CODES, WIDTH, SEEN = 4, 8, 400


class Wanted:
    """A lift that is the higher, the nearer the samples' deviation is to one that is wanted."""

    extra = np.array([SEEN])

    def __init__(self, deviation: float) -> None:
        self._deviation = deviation

    def __call__(self, samples: np.ndarray, labels: np.ndarray) -> Gain:
        assert len(samples) == len(labels) == SEEN
        return Gain(-abs(np.log(samples.std(axis=0).mean() / self._deviation)), 0.01)


@pytest.mark.parametrize("factor", FACTORS)
def test_it_is_the_factor_with_the_highest_lift(factor: float) -> None:
    values = np.random.default_rng(0).standard_normal((60, WIDTH)).astype(np.float32)
    labels = np.zeros(60, np.int64)
    generator = build("gaussian", Shape(CODES, (), 1, CODES, 4, 8, features=WIDTH))[0]
    generator.codec.fit(values, labels)
    generator.begin(generator.codec.hold(values), torch.from_numpy(labels), "own")
    unscaled = float(sample(generator, CODES, 0, range(SEEN), 0).std(axis=0).mean())
    rows = calibrate(generator, CODES, Wanted(factor * unscaled), 0)  # type: ignore[arg-type]
    assert [row["spread"] for row in rows] == list(FACTORS)
    assert generator.codec.spread.item() == pytest.approx(factor)
    made = sample(generator, CODES, 0, range(SEEN), 0)
    assert float(made.std(axis=0).mean()) == pytest.approx(factor * unscaled, rel=1e-3)


def test_images_have_none() -> None:
    generator = build("mlp", Shape(1, (8, 8), 2, 4, 4, 8))[0]
    assert calibrate(generator, 4, Wanted(1.0), 0) == []  # type: ignore[arg-type]
