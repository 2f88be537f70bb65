"""Cells: one arm in one repeat each, computed on all cores and kept until all are done."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment import storage
from gan_augment.engine import Shared, fan_out, shared
from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS, CLASSIC, Material, Option, extent, stand_in
from gan_augment.evaluation.classifiers import Scores, classifier, sources
from gan_augment.evaluation.embedding import Embedder, Pictures
from gan_augment.evaluation.outcomes import Hits
from gan_augment.evaluation.scores import check_shape, scores
from gan_augment.evaluation.sets import Sets
from gan_augment.evaluation.training_set import TrainingSet, resample
from gan_augment.params import EvaluateParams
from gan_augment.seeding import seed_of
from gan_augment.table import Images

Row = tuple[int, str, str, str, str, str, float]
"""Repeat, classifier, arm, split, metric, class ("" for all), value."""

Backbone = Embedder | Pictures
"""What shows classifiers images, or their features, of arms that are made of the other."""

Choices = Mapping[str, Mapping[str, Option]]
"""What validation chose: arm → classifier → option; see `tuning.choose`."""


@dataclass(frozen=True)
class Setting:
    """What all cells have in common.

    Attributes:
        sets: what arms are made of.
        judged: the images of each split that is scored.
        params: the section `evaluate`.
        choices: what validation chose.
        backbone: what stands between images and classifiers, if one looks at the images.
    """

    sets: Sets
    judged: Mapping[str, Images]
    params: EvaluateParams
    choices: Choices
    backbone: Backbone | None = None

    def judge(
        self, name: str, training_set: TrainingSet, targets: Mapping[str, Images], seed: int
    ) -> dict[str, Scores]:
        """Return what a classifier that has learnt from a training set says of what it can see.

        Raises:
            UserError: it gives scores of another shape than N×C, or that are not finite; names it.
        """
        found = classifier(name)
        samples = {split: images.pixels for split, images in targets.items()}
        if self.backbone:
            training_set, samples = self.backbone.shown(found, training_set, targets)
        scored = found.judge(training_set, [*samples.values()], self.params, seed)
        for shown, given in zip(samples.values(), scored, strict=True):
            check_shape(name, given.shape, (len(shown), training_set.classes))
            if not np.isfinite(given).all():
                raise UserError(
                    f"evaluate.classifiers: {name} gives scores that are not finite: leave it out, "
                    "or mend it if it is yours"
                )
        return dict(zip(samples, scored, strict=True))


class Cell(NamedTuple):
    """One arm in one repeat, for every classifier that it is meant for."""

    arm: str
    repeat: int


def compute(
    sets: Sets,
    judged: Mapping[str, Images],
    params: EvaluateParams,
    choices: Choices,
    scratch: Path | None = None,
    backbone: Backbone | None = None,
) -> tuple[list[Row], Hits]:
    """Return the scores of all arms in all repeats by all classifiers that an arm is meant for.

    `real` is scored on generated images, too, as the split `synthetic`: GAN-test (Shmelkov et al.
    2018).

    Args:
        sets: what arms are made of, in each repeat of its own.
        judged: images of each split that is scored.
        params: the section `evaluate`.
        choices: the option of each arm for each classifier.
        scratch: where finished cells are kept, a folder named by `fingerprint`; None keeps nothing.
        backbone: what stands between images and classifiers, if one looks at the images.
    """
    cells = [
        Cell(arm, repeat) for repeat in range(params.repeats) for arm in params.arms if choices[arm]
    ]
    with shared(Setting(sets, judged, params, choices, backbone)) as setting:
        compute_one = partial(_compute, setting)
        found = fan_out(compute_one, cells, "evaluate", "training sets", scratch)
    hits: dict[tuple[str, str, str], list[NDArray[np.bool_]]] = defaultdict(list)
    for cell, (_, packed) in zip(cells, found, strict=True):
        for split, name, bits in packed:
            hits[split, name, cell.arm].append(_unpacked(bits, len(judged[split])))
    rows = [row for rows, _ in found for row in rows]
    return rows, {key: np.stack(repeats) for key, repeats in hits.items()}


def fingerprint(params: EvaluateParams, *inputs: str) -> str:
    """Return a hash of what cells depend on: params, inputs (their hashes) and the code.

    The user's own classifiers are code, too.
    """
    return storage.fingerprint(params.model_dump_json(), *inputs, *sources(params.classifiers))


def training_sets(
    material: Material, arm: str, params: EvaluateParams, seed: int
) -> Callable[[Option, Option], TrainingSet]:
    """Return a function from an option and a classic policy to the arm's resampled training set.

    Asked twice for the same it gives the same object, and what options share is made once.
    """
    make = ARMS[arm].prepare(material, seed)
    size = extent(len(material.real), len(material.synthetic), params)

    @lru_cache
    def training_set(option: Option, policy: Option) -> TrainingSet:
        update = {} if policy is None else {"policy": policy}
        made = resample(make(option, material.classic.model_copy(update=update)), seed)
        return replace(made, extent=size)

    return training_set


def _compute(setting: Shared[Setting], cell: Cell) -> tuple[list[Row], list[tuple[str, str, str]]]:
    """Return the scores of a cell, and split, classifier and packed hits: JSON can hold both."""
    common = setting.get()
    seed = seed_of(common.params.seed, "repeat", cell.repeat)
    material = common.sets(cell.repeat)
    make = training_sets(material, cell.arm, common.params, seed)
    judged = dict(common.judged)
    if cell.arm == "real":
        judged["synthetic"] = stand_in(material)
    rows: list[Row] = []
    hits: list[tuple[str, str, str]] = []
    for name, option in common.choices[cell.arm].items():
        training_set = make(option, common.choices.get(CLASSIC, {}).get(name))
        for split, predicted in common.judge(name, training_set, judged, seed).items():
            images, key = judged[split], (cell.repeat, name, cell.arm, split)
            rows += [(*key, *values) for values in scores(images, predicted)]
            if split in common.judged:
                right = predicted.argmax(axis=1) == images.labels
                hits.append((split, name, np.packbits(right).tobytes().hex()))
    return rows, hits


def _unpacked(bits: str, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8), count=count).astype(bool)
