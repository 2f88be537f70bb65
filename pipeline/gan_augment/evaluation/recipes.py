"""The arms as recipes: what validation chose for each, and what came of it; for `recipe.of`."""

from collections.abc import Mapping
from typing import Any

from gan_augment.evaluation import views
from gan_augment.evaluation.arms import (
    ALPHAS,
    ARMS,
    CLASSIC,
    EXPONENTS,
    Option,
    extent,
    followable,
    rarity,
    transforms,
)
from gan_augment.evaluation.cells import Choices
from gan_augment.evaluation.classifiers import classifier
from gan_augment.evaluation.outcomes import Outcomes
from gan_augment.evaluation.training_set import Extent
from gan_augment.evaluation.verdict import Judge, gains, together, told
from gan_augment.params import EvaluateParams
from gan_augment.recipe import best, flat
from gan_augment.table import FeatureSpace, Images

OVERSAMPLE = "oversample"
"""A method whose images are real ones again, so that none need to ship."""


def recipes(
    validation: Outcomes,
    test: Outcomes,
    choices: Choices,
    params: EvaluateParams,
    train: Images,
    planned: Mapping[str, int],
    space: FeatureSpace | None = None,
) -> dict[str, Any]:
    """Return what verdict.json says of recipes.

    Args:
        validation: outcomes of the arms on the images that arms are chosen by.
        test: those on the images that they are judged by.
        choices: the option of each arm for each classifier.
        params: the section `evaluate`.
        train: the real training images.
        planned: class → images of data/synthetic.
        space: whose features estimators see, if a backbone looks at the images.

    Returns:
        `planned`; `recipes`: for every arm that all classifiers were trained on and that a user can
        follow, of which `methods` it has synthetic images; `classifiers`: the settings of each, and
        its `validation` and `score`; the `classifier` that does best on validation; of the mean
        over classifiers `validation`, the `score` on test (mean, low, high) and the difference
        `against_real`, and whether it surely `beats_real`. `recipe`: the one that does best on
        validation, with the settings of its classifier.
    """
    judge = Judge(validation, test, together(test), params.min_gain, 1.0)
    size = extent(len(train), sum(planned.values()), params)
    found = {
        arm: _recipe(arm, judge, choices, params, train, size, space)
        for arm in judge.arms
        if followable(arm)
    }
    return {"planned": dict(planned), "recipes": found, "recipe": flat(found, best(found))}


def _recipe(
    arm: str,
    judge: Judge,
    choices: Choices,
    params: EvaluateParams,
    train: Images,
    size: Extent,
    space: FeatureSpace | None,
) -> dict[str, Any]:
    classifiers = {}
    for name in judge.classifiers:
        alone = Judge(judge.validation, judge.test, (name,), judge.min_gain, judge.overlap)
        policy = choices.get(CLASSIC, {}).get(name)
        classifiers[name] = {
            **_settings(arm, choices[arm][name], policy, params, train),
            **_copies(arm, name, train, size, space),
            "validation": alone.score(alone.validation, arm),
            "score": alone.score(alone.test, arm),
        }
    above = told(judge.above_chance(arm))
    against = judge.difference(judge.test, arm, "real")
    return {
        "methods": [method for method in ARMS[arm].adds if method != OVERSAMPLE],
        "classifier": best(classifiers),
        "classifiers": classifiers,
        "validation": judge.score(judge.validation, arm),
        "score": {
            key: min(max(judge.chance + above[key], 0.0), 1.0) for key in ("mean", "low", "high")
        },
        "against_real": None if arm == "real" else told(against),
        "beats_real": gains(against, judge.min_gain),
    }


def _copies(
    arm: str, name: str, train: Images, size: Extent, space: FeatureSpace | None
) -> dict[str, Any]:
    """Return how many transformed copies a classifier sees, whether of synthetic rows, too.

    And whether it sees the images, where others see features.
    """
    copied = bool(space) and transforms(arm) and not classifier(name).in_steps
    return {
        "copies": views.each(size) if copied else None,
        "copies_of_all": copied and train.space is None,
        "of_images": bool(space) and classifier(name).in_steps,
    }


def _settings(
    name: str, option: Option, policy: Option, params: EvaluateParams, train: Images
) -> dict[str, Any]:
    """Return what a recipe says of an arm with an option; see `Recipe`."""
    arm = ARMS[name]
    amount = 1.0 if option is None or isinstance(option, str) else float(option)
    share, again = 0.0, float(transforms(name))
    if OVERSAMPLE in arm.adds:
        again = amount
    elif arm.adds:
        share, again = amount, max(1 - amount, 0.0) if arm.on_classic else 0.0
    weights = rarity(train.counts(), amount) if arm.options is EXPONENTS else None
    chosen = option if name == CLASSIC else policy
    update = {"policy": chosen} if chosen else {}
    classic = params.classic.model_copy(update=update).model_dump(mode="json")
    return {
        "share": share,
        "again": again,
        "class_weights": None
        if weights is None
        else dict(zip(train.classes, weights.tolist(), strict=True)),
        "classic": classic if transforms(name) else None,
        "mix": [arm.mix, amount if arm.options is ALPHAS else ALPHAS[0]] if arm.mix else None,
        "weighted": name == "gan-weighted",
        "soft": name == "gan-soft",
    }
