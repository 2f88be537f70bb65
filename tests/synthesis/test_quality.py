import math

import numpy as np
import pytest
from scipy.stats import binomtest

from gan_augment.metrics.features import Features
from gan_augment.metrics.fidelity import kernel_distance
from gan_augment.synthesis.quality import measure, wilson


def normal(seed: int, n: int = 200, dimensions: int = 6, mean: float = 0.0) -> Features:
    values = np.random.default_rng(seed).normal(mean, 1, (n, dimensions))
    logits = np.exp(values[:, :3])
    return Features(values, logits / logits.sum(axis=1, keepdims=True))


def test_every_metric_has_its_interval_and_what_real_images_get() -> None:
    scores = measure(normal(0), normal(1), normal(2))
    assert set(scores) == {
        *("fid", "kid", "inception_score", "precision", "recall", "density", "coverage")
    }
    for score in scores.values():
        assert score["low"] < score["value"] < score["high"]
        assert abs(score["real"] - score["value"]) < score["high"] - score["low"]


def test_the_interval_is_as_wide_as_new_draws_scatter() -> None:
    """The deviation over 100 fresh pairs of sets, against the standard error from one pair."""
    scatter = np.std(
        [
            kernel_distance(normal(2 * n).values, normal(2 * n + 1, mean=1.0).values)
            for n in range(100)
        ]
    )
    errors = []
    for n in range(10):
        kid = measure(normal(2 * n), normal(2 * n + 1, mean=1.0), normal(2 * n))["kid"]
        errors.append((kid["high"] - kid["low"]) / 2 / 1.96)
    assert np.mean(errors) == pytest.approx(scatter, rel=0.3)


def test_what_too_few_images_cannot_say_is_left_out_or_has_no_interval() -> None:
    scores = measure(normal(0, 30), normal(1, 30), normal(2, 30))
    assert scores["kid"]["low"] is None
    assert scores["kid"]["value"] is not None
    assert "inception_score" not in scores
    assert measure(normal(0, 10, 12), normal(1, 10, 12), normal(2, 10, 12)) == {}


@pytest.mark.parametrize("right", [0, 1, 25, 49, 50])
def test_the_interval_of_independent_images_is_wilsons(right: int) -> None:
    share, images = right / 50, 50
    exact = binomtest(right, images).proportion_ci(method="wilson")
    error = math.sqrt(share * (1 - share) / images)
    for known in (0.0, error):
        assert wilson(share, known, images) == pytest.approx((exact.low, exact.high), abs=1e-4)
    low, high = wilson(share, 3 * error, images)
    assert 0 <= low <= exact.low + 1e-6
    assert exact.high - 1e-6 <= high <= 1


def test_intervals_stay_where_the_metric_can_be() -> None:
    """Synthetic images that are nearly the real ones: shares near 1, distances near 0."""
    real = normal(0)
    close = Features(real.values + 1e-3 * normal(1).values, real.probabilities)
    scores = measure(real, close, normal(2))
    assert scores["precision"]["value"] > 0.95
    for name in ("precision", "recall", "coverage"):
        assert 0 <= scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"] <= 1
    assert scores["fid"]["low"] >= 0
    assert scores["kid"]["low"] < 0
