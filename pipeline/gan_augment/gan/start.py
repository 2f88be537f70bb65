"""How many codes stand for features, and what a Gaussian of them is like: chosen on validation.

With few codes samples stay near what makes classes differ, with many they vary as real ones do, and
which is better differs from one set of images to another. So Gaussians of each kind are drawn from,
and the kind whose draws add most to real samples is where training starts.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from gan_augment.calibration import COVARIANCES
from gan_augment.gan.history import Row
from gan_augment.gan.networks import Shape, build
from gan_augment.gan.sampling import sample
from gan_augment.metrics.lift import Gain, Lift
from gan_augment.progress import progress
from gan_augment.seeding import seed_of
from gan_augment.table import Images

CODES = (16, 32, 64, 128)
SPREADS = (0.7, 1.0)
DRAWS = 2
"""Of each kind; one would choose by luck."""
GAUSSIAN = "gaussian"


def candidates(train: Images, lift: Lift, shape: Callable[[int], Shape], seed: int) -> list[Row]:
    """Return a row a kind of Gaussian: `codes`, `covariance`, and the `lift` of its draws.

    Args:
        train: training samples, features.
        lift: measures it on validation samples.
        shape: of a Gaussian generator of so many codes.
        seed: of the draws.
    """
    most = min(train.pixels.shape[1], len(train) - 1)
    sizes = sorted({min(codes, most) for codes in CODES})
    rows: list[Row] = []
    with progress("train: Gaussians", len(sizes) * len(COVARIANCES), "kinds") as advance:
        for codes in sizes:
            for row in _of_size(train, lift, shape(codes), seed):
                rows.append(row)
                advance(len(rows))
    return rows


def best(rows: Sequence[Row]) -> Row:
    """Return the row of the highest lift; of several the first, which has fewest codes."""
    return max(rows, key=lambda row: float(row["lift"]))


def _of_size(train: Images, lift: Lift, shape: Shape, seed: int) -> Iterator[Row]:
    generator: Any = build(GAUSSIAN, shape)[0]
    generator.codec.fit(train.pixels, train.labels)
    codes, labels = generator.codec.hold(train.pixels), torch.from_numpy(train.labels)
    for covariance in COVARIANCES:
        generator.begin(codes, labels, covariance)
        lifts = []
        for spread in SPREADS:
            generator.codec.spread.fill_(spread)
            lifts.append(lift_of(generator, shape.latent_dim, lift, seed))
        yield {"codes": shape.channels, "covariance": covariance, "lift": max(lifts)}


def lift_of(generator: nn.Module, latent_dim: int, lift: Lift, seed: int) -> float:
    """Return the mean lift of some draws of a generator, as many of each class as `lift` adds."""
    draws = [gain_of(generator, latent_dim, lift, seed, number) for number in range(DRAWS)]
    return float(np.mean([gain.lift for gain in draws]))


def gain_of(generator: nn.Module, latent_dim: int, lift: Lift, seed: int, number: int = 0) -> Gain:
    """Return what one draw of a generator adds: none that is ever kept as a synthetic image."""
    seed = seed_of(seed, "lift", number)
    counts = enumerate(lift.extra.tolist())
    parts = [sample(generator, latent_dim, label, range(n), seed) for label, n in counts]
    return lift(np.concatenate(parts), np.repeat(np.arange(len(parts)), lift.extra))
