"""Recipes that say, in numbers, what the arms that were compared did."""

from collections.abc import Callable

import numpy as np
import pytest

from gan_augment.evaluation.arms import ARMS, Material, followable
from gan_augment.evaluation.recipes import recipes
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.recipe import of
from gan_augment.recipe.mixing import times
from gan_augment.table import Images
from tests.evaluation import worlds

FOLLOWED = [arm for arm in ARMS if followable(arm)]
CLASSIC = ClassicParams(flip=True)


def of_counts(make: Callable[..., Images], counts: list[int]) -> Images:
    """Return noise with so many images of each class."""
    images = make(len(counts) * max(counts), len(counts))
    rows = np.concatenate([np.flatnonzero(images.labels == y)[:n] for y, n in enumerate(counts)])
    return images.select(rows)


def test_controls_and_images_that_do_not_ship_have_none() -> None:
    left = {"gan-raw", "gan-fresh", "gan-first", "placebo", "synthetic-only"}
    assert set(ARMS) - set(FOLLOWED) == left


@pytest.mark.parametrize("arm", FOLLOWED)
def test_an_epoch_has_what_the_arm_trained_on(
    arm: str, random_images: Callable[..., Images]
) -> None:
    real, synthetic = (of_counts(random_images, n) for n in ([16, 8, 8], [0, 8, 4]))
    material = Material(real, synthetic, lambda _: synthetic, CLASSIC)
    make = ARMS[arm].prepare(material, 0)
    for option in ARMS[arm].options:
        found = told(arm, option, real, synthetic)
        made = make(option, CLASSIC.model_copy(update={"policy": "erasing"}))
        rows = np.concatenate([real.labels, synthetic.labels])
        shipped = np.arange(len(rows)) >= len(real)
        seen = times(rows, shipped, found.share, found.again, synthetic.counts())
        epoch = np.bincount(rows, seen, minlength=3)
        np.testing.assert_allclose(epoch, np.bincount(made.labels, minlength=3), atol=1)
        share = seen[shipped].sum() / len(synthetic)
        assert share == pytest.approx(found.share if found.methods else 0)
        weights = found.class_weights or {"c0": 1.0, "c1": 1.0, "c2": 1.0}
        if arm == "class-weights":
            np.testing.assert_allclose(made.weights, [weights[f"c{y}"] for y in made.labels])
        assert found.classic == made.classic
        assert found.mix == made.mix
        assert found.soft == (made.soft is not None)
        assert found.weighted == (arm == "gan-weighted")


def told(arm: str, option: object, real: Images, synthetic: Images) -> object:
    """Return the recipe that validation chose if it chose this option, and erasing."""
    world = worlds.steady({"real": 0.9, "classic": 0.9, arm: 0.95}, 40)
    policy = option if arm == "classic" else "erasing"
    choices = {
        "real": dict.fromkeys(("svm", "k-nn")),
        arm: dict.fromkeys(("svm", "k-nn"), option),
        "classic": dict.fromkeys(("svm", "k-nn"), policy),
    }
    planned = dict(zip(synthetic.classes, synthetic.counts().tolist(), strict=True))
    params = EvaluateParams(classic=CLASSIC)
    return of(recipes(world, world, choices, params, real, planned), arm)


def test_a_score_that_few_images_leave_open_stays_a_share(
    random_images: Callable[..., Images],
) -> None:
    """One image a class, right now and then."""
    right = np.array([[1, 0], [0, 1], [0, 0]] * 2)
    world = worlds.outcomes({("svm", arm): right for arm in ("real", "smote")}, np.arange(2), 6)
    choices = {"real": {"svm": None}, "smote": {"svm": 1.0}}
    found = recipes(world, world, choices, EvaluateParams(), random_images(), {})
    score = found["recipes"]["smote"]["score"]
    assert score == {"mean": pytest.approx(1 / 3), "low": 0.0, "high": 1.0}


def test_the_best_on_validation_with_its_numbers_on_test(
    random_images: Callable[..., Images],
) -> None:
    arms = {"real": (0.9, 0.9), "smote": (0.92, 0.97), "gan": (0.95, 0.93), "gan-raw": (1.0, 1.0)}
    validation, test = (
        worlds.steady({arm: both[split] for arm, both in arms.items()}) for split in (0, 1)
    )
    choices = {
        "real": {"svm": None, "k-nn": None},
        "smote": {"svm": 1.0, "k-nn": 0.5},
        "gan": {"svm": 0.25, "k-nn": 0.5},
        "gan-raw": {"svm": 1.0, "k-nn": 1.0},
    }
    planned = {"c0": 2, "c1": 0, "c2": 1}
    found = recipes(validation, test, choices, EvaluateParams(), random_images(), planned)
    assert set(found["recipes"]) == {"real", "smote", "gan"}
    assert found["planned"] == planned
    recipe = found["recipe"]
    assert (recipe["arm"], recipe["rows"]) == ("gan", ["real", "gan"])
    assert (recipe["classifier"], recipe["share"]) == ("svm", 0.25)
    assert recipe["score"]["mean"] == pytest.approx(0.93 - 0.05, abs=0.003)
    assert recipe["score"]["low"] < recipe["score"]["mean"] < recipe["score"]["high"] <= 1
    assert recipe["against_real"]["mean"] == pytest.approx(0.03, abs=0.003)
    assert found["recipes"]["gan"]["beats_real"]
    assert not found["recipes"]["real"]["beats_real"]
    assert found["recipes"]["real"]["against_real"] is None
    own = found["recipes"]["smote"]["classifiers"]["svm"]
    assert own["validation"] == pytest.approx(0.92, abs=0.003)
    assert own["score"] == pytest.approx(0.97, abs=0.003)
