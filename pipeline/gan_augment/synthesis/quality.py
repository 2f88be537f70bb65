"""Quality of what came out, with intervals: every fidelity metric on two sets of features."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics import fidelity
from gan_augment.metrics.features import Features
from gan_augment.seeding import rng

HALVES = 40
NORMAL = 1.96

Scores = dict[str, float]


def measure(real: Features, synthetic: Features, train: Features) -> dict[str, dict[str, Any]]:
    """Return FID, KID, inception score, precision, recall, density and coverage.

    The interval is the value ± 1.96 standard errors, those of the delete-half jackknife (Shao & Wu
    1989): the deviation of the metric over random halves of both sets. With replacement, as in a
    bootstrap, equal rows would pass for perfect neighbours.

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
            **_interval(value, [half[name] for half in halves if name in half]),
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


def _interval(value: float, halves: list[float]) -> dict[str, float | None]:
    if len(halves) < HALVES:
        return {"low": None, "high": None}
    reach = NORMAL * float(np.std(halves))
    return {"low": value - reach, "high": value + reach}
