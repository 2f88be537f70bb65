"""Quality of what came out, with intervals: every fidelity metric on two sets of features."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics import fidelity
from gan_augment.metrics.features import Features
from gan_augment.seeding import rng

HALVES = 40
NORMAL = 1.96
SHARES = ("precision", "recall", "coverage")
"""Shares of images; their intervals are Wilson's."""
LEAST = {"fid": 0.0, "density": 0.0, "inception_score": 1.0}
"""The least that other metrics can be; KID has no such bound."""

Scores = dict[str, float]


def measure(real: Features, synthetic: Features, train: Features) -> dict[str, dict[str, Any]]:
    """Return FID, KID, inception score, precision, recall, density and coverage.

    Intervals are from the standard error of the delete-half jackknife (Shao & Wu 1989): the
    deviation of the metric over random halves of both sets. With replacement, as in a bootstrap,
    equal rows would pass for perfect neighbours. Of a share it is Wilson's (1927), with as many
    images as would give that error, and no more than there are; of the rest ± 1.96 standard errors,
    as far as the metric can go: no distance but KID, which is unbiased, is below 0.

    Args:
        real: features of held-out images.
        synthetic: of as many synthetic ones of the same classes.
        train: of as many training images: what real images get.

    Returns:
        By metric: `value`, its 95 % interval `low` and `high`, and `real`, the same of the training
        images; None where there are too few images to say.
    """
    values, floor = _scores(real, synthetic), _scores(real, train)
    halves = [_scores(*_half(real, synthetic, number)) for number in range(HALVES)]
    return {
        name: {
            "value": value,
            **_interval(
                name, value, [half[name] for half in halves if name in half], len(real.values)
            ),
            "real": floor.get(name),
        }
        for name, value in values.items()
    }


def _scores(real: Features, synthetic: Features) -> Scores:
    """Return the metrics for which there are images enough."""
    metrics: list[Callable[[], Scores]] = [
        lambda: {"fid": fidelity.frechet_distance(real.values, synthetic.values)},
        lambda: {"kid": fidelity.kernel_distance(real.values, synthetic.values)},
        lambda: fidelity.precision_recall_density_coverage(real.values, synthetic.values)._asdict(),
    ]
    probabilities = synthetic.probabilities
    if probabilities is not None:
        metrics.append(lambda: {"inception_score": fidelity.inception_score(probabilities)})
    scores: Scores = {}
    for metric in metrics:
        try:
            scores |= metric()
        except fidelity.TooFewRowsError:
            continue
    return scores


def _half(real: Features, synthetic: Features, number: int) -> tuple[Features, Features]:
    draw = rng(0, "halves", number)
    return _some(real, draw), _some(synthetic, draw)


def _some(part: Features, draw: np.random.Generator) -> Features:
    n = len(part.values)
    rows: NDArray[np.intp] = draw.permutation(n)[: n // 2]
    probabilities = part.probabilities
    return Features(part.values[rows], None if probabilities is None else probabilities[rows])


def _interval(name: str, value: float, halves: list[float], images: int) -> dict[str, float | None]:
    if len(halves) < HALVES:
        return {"low": None, "high": None}
    error = float(np.std(halves))
    if name in SHARES:
        low, high = wilson(value, error, images)
    else:
        low, high = value - NORMAL * error, value + NORMAL * error
    return {"low": max(low, LEAST.get(name, low)), "high": high}


def wilson(share: float, error: float, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, within 0 and 1 (Wilson 1927).

    Args:
        share: 0–1.
        error: its standard error.
        images: how many it is a share of; where the error is larger than that of so many
            independent ones, as many as have this error count (Kish 1965).
    """
    spread = share * (1 - share)
    n = min(images, spread / error**2) if spread and error else images
    z = NORMAL**2 / n
    middle = (share + z / 2) / (1 + z)
    reach = NORMAL / (1 + z) * math.sqrt(spread / n + z / (4 * n))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
