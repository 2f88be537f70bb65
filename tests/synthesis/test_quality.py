import numpy as np
import pytest

from gan_augment.metrics.features import Features
from gan_augment.metrics.fidelity import kernel_distance
from gan_augment.synthesis.quality import measure


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
