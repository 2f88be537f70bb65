"""The spread of a generator of features is the one that validation images have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gan_augment.gan.networks import Shape, build
from gan_augment.gan.sampling import sample
from gan_augment.gan.spread import FACTORS, best, calibrate

CODES, WIDTH, SEEN = 4, 8, 400


class Reference:
    """A validator that knows how much real samples vary."""

    def __init__(self, deviation: float) -> None:
        self._deviation = deviation

    def score(self, generator: nn.Module, _: nn.Module, __: Path) -> dict[str, Any]:
        made = sample(generator, CODES, 0, range(SEEN), 0)
        diversity = float(made.std(axis=0).mean()) / self._deviation
        return {"cas": 0.9, "cas_error": 0.01, "diversity": diversity}


@pytest.mark.parametrize("factor", FACTORS)
def test_it_is_the_factor_with_which_samples_vary_like_real_ones(factor: float) -> None:
    values = np.random.default_rng(0).standard_normal((60, WIDTH)).astype(np.float32)
    labels = np.zeros(60, np.int64)
    generator, discriminator = build("gaussian", Shape(CODES, (), 1, CODES, 4, 8, features=WIDTH))
    generator.codec.fit(values, labels)
    generator.begin(generator.codec.hold(values), torch.from_numpy(labels))
    unscaled = float(sample(generator, CODES, 0, range(SEEN), 0).std(axis=0).mean())
    rows = calibrate(generator, discriminator, Reference(factor * unscaled))  # type: ignore[arg-type]
    assert [row["spread"] for row in rows] == list(FACTORS)
    assert generator.codec.spread.item() == pytest.approx(factor)
    made = sample(generator, CODES, 0, range(SEEN), 0)
    assert float(made.std(axis=0).mean()) == pytest.approx(factor * unscaled, rel=1e-3)


def row(spread: float, cas: float | None, diversity: float | None) -> dict[str, Any]:
    error = None if cas is None else 0.02
    return {"spread": spread, "cas": cas, "cas_error": error, "diversity": diversity}


def test_a_clearly_higher_cas_goes_before_what_varies_like_real_ones() -> None:
    rows = [row(1.0, 0.80, 1.0), row(0.7, 0.90, 0.7), row(0.8, 0.89, 0.8)]
    assert best(rows)["spread"] == 0.8


def test_without_classes_diversity_alone_counts_and_without_that_nothing_changes() -> None:
    assert best([row(1.0, None, 0.6), row(1.5, None, 0.9)])["spread"] == 1.5
    assert best([row(1.0, 0.8, None), row(1.5, 0.9, None)])["spread"] == 1.0


def test_images_have_none() -> None:
    generator, discriminator = build("mlp", Shape(1, (8, 8), 2, 4, 4, 8))
    assert calibrate(generator, discriminator, Reference(1.0)) == []  # type: ignore[arg-type]
