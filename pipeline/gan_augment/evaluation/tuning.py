"""Choices on validation: mixing ratio, strength, schedule; one of as many for every arm.

Each arm's options are tried on training sets and seeds that the repeats do not use, and scored on
the validation split alone. `classic` is tuned first: arms that transform images take its policy.
`placebo` takes what `gan` has, so that the two differ in nothing but what the images show.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_augment.decision import GAN
from gan_augment.engine import Shared, fan_out, shared
from gan_augment.evaluation.arms import CLASSIC, Option, options
from gan_augment.evaluation.cells import Backbone, Setting, training_sets
from gan_augment.evaluation.classifiers import classifier
from gan_augment.evaluation.evidence import PLACEBO
from gan_augment.evaluation.fitting import applicable
from gan_augment.evaluation.sets import Sets
from gan_augment.params import EvaluateParams
from gan_augment.seeding import seed_of
from gan_augment.table import FeatureSpace, Images


class Trial(NamedTuple):
    """All options of one arm, once, for every classifier."""

    arm: str
    repeat: int


def choose(
    sets: Sets,
    validation: Images,
    params: EvaluateParams,
    scratch: Path | None = None,
    backbone: Backbone | None = None,
) -> dict[str, dict[str, Option]]:
    """Return the option of each arm that does best for each classifier that it is meant for.

    By the mean balanced accuracy on validation over `params.tuning_repeats`; the first of several
    that are equal. With no such repeats it is each arm's first option, of `classic` its policy in
    `params.classic`.

    Args:
        sets: what arms are made of; trials take those that no repeat uses.
        validation: images of the validation split.
        params: the section `evaluate`.
        scratch: where finished trials are kept; None keeps nothing.
        backbone: what stands between images and classifiers, if one looks at the images.
    """
    space = backbone.space if backbone else validation.space
    choices: dict[str, dict[str, Option]] = {
        arm: {
            name: params.classic.policy if arm == CLASSIC else options(arm, space)[0]
            for name in params.classifiers
            if applicable(arm, name, validation.space)
        }
        for arm in params.arms
    }
    for name in params.classifiers:
        if left_out := [arm for arm in params.arms if name not in choices[arm]]:
            why = "learns from images" if classifier(name).in_steps else "does not learn in steps"
            print(f"evaluate: {name} {why}: without {', '.join(left_out)}")
    tuned = [arm for arm in params.arms if choices[arm] and len(options(arm, space)) > 1]
    for arms in ([CLASSIC] if CLASSIC in tuned else [], [a for a in tuned if a != CLASSIC]):
        trials = [Trial(arm, repeat) for repeat in range(params.tuning_repeats) for arm in arms]
        if not trials:
            continue
        judged = {"validation": validation}
        with shared(Setting(sets, judged, params, choices, backbone)) as setting:
            try_one = partial(_try, setting, space)
            found = fan_out(try_one, trials, "tune on validation", "training sets", scratch)
        for arm in arms:
            of_arm = [found[i] for i, trial in enumerate(trials) if trial.arm == arm]
            choices[arm] = _best(options(arm, space), choices[arm], of_arm)
    if {GAN, PLACEBO} <= choices.keys():
        choices[PLACEBO] = dict(choices[GAN])
    return choices


def _best(
    among: Sequence[Option], names: Iterable[str], found: Sequence[dict[str, list[float]]]
) -> dict[str, Option]:
    """Return the best option for each classifier by the scores of some trials."""
    means = {name: np.mean([scores[name] for scores in found], axis=0) for name in names}
    return {name: among[int(mean.argmax())] for name, mean in means.items()}


def _try(
    setting: Shared[Setting], space: FeatureSpace | None, trial: Trial
) -> dict[str, list[float]]:
    """Return the balanced accuracy on validation, over its classes, of every option."""
    from sklearn.metrics import recall_score

    common = setting.get()
    validation = common.judged["validation"]
    present = np.unique(validation.labels)
    seed = seed_of(common.params.seed, "tuning", trial.repeat)
    material = common.sets(common.params.repeats + trial.repeat)
    make = training_sets(material, trial.arm, common.params, seed)
    scores: dict[str, list[float]] = {name: [] for name in common.choices[trial.arm]}
    for option in options(trial.arm, space):
        for name, of_name in scores.items():
            policy = common.choices.get(CLASSIC, {}).get(name)
            found = common.judge(name, make(option, policy), common.judged, seed)
            predicted = found["validation"].argmax(axis=1)
            score = recall_score(validation.labels, predicted, labels=present, average="macro")
            of_name.append(float(score))
    return scores
