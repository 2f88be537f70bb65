"""Cells: one arm in one repeat each, computed on all cores and kept until all are done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.engine import fan_out
from pipeline.evaluation.arms import ARMS, Material, Option
from pipeline.evaluation.classifiers import classifier
from pipeline.evaluation.training_set import TrainingSet, resample
from pipeline.params import EvaluateParams
from pipeline.seeding import seed_of
from pipeline.storage import digest
from pipeline.table import Images

Row = tuple[int, str, str, str, str, str, float]
"""Repeat, classifier, arm, split, metric, class ("" for all), value."""

Score = Callable[[Images, NDArray[np.float64]], Sequence[tuple[str, str, float]]]
"""(images, class scores N×C) → metric, class and value of each; can be pickled."""

Choices = Mapping[str, Mapping[str, Option]]
"""What validation chose: arm → classifier → option; see `tuning.choose`."""


@dataclass(frozen=True)
class Cell:
    """What a worker needs to train every classifier on one arm in one repeat, and to score it.

    Arrays of a megabyte and more reach the workers as files that they share (joblib).
    """

    arm: str
    repeat: int
    material: Material = field(repr=False)
    judged: Mapping[str, Images] = field(repr=False)
    params: EvaluateParams = field(repr=False)
    choices: Choices = field(repr=False)
    score: Score = field(repr=False)


def compute(
    material: Material,
    judged: Mapping[str, Images],
    params: EvaluateParams,
    choices: Choices,
    score: Score,
    scratch: Path | None = None,
) -> list[Row]:
    """Return the scores of all arms in all repeats by all classifiers that an arm is meant for.

    Args:
        material: what arms are made of.
        judged: images of each split that is scored.
        params: the section `evaluate`.
        choices: the option of each arm for each classifier.
        score: how class scores become metrics.
        scratch: where finished cells are kept, a folder named by `fingerprint`; None keeps nothing.
    """
    cells = [
        Cell(arm, repeat, material, judged, params, choices, score)
        for repeat in range(params.repeats)
        for arm in params.arms
        if choices[arm]
    ]
    found = fan_out(_compute, cells, "evaluate", "arms × repeats", scratch)
    return [row for rows in found for row in rows]


def fingerprint(params: EvaluateParams, *inputs: str) -> str:
    """Return a hash of what cells depend on: params, inputs (their hashes) and the code."""
    here = Path(__file__).parent
    code = sorted([*here.rglob("*.py"), here.parent / "synthesis" / "baselines.py"])
    return digest(params.model_dump_json(), *inputs, *code)


def applicable(arm: str, name: str) -> bool:
    """Return whether a classifier can be trained on an arm."""
    return classifier(name).in_steps or not ARMS[arm].networks


def training_sets(
    material: Material, arm: str, seed: int
) -> Callable[[Option, Option], TrainingSet]:
    """Return a function from an option and a classic policy to the arm's resampled training set.

    Asked twice for the same it gives the same object, and what options share is made once.
    """
    make = ARMS[arm].prepare(material, seed)

    @lru_cache
    def training_set(option: Option, policy: Option) -> TrainingSet:
        update = {} if policy is None else {"policy": policy}
        return resample(make(option, material.classic.model_copy(update=update)), seed)

    return training_set


def _compute(cell: Cell) -> list[Row]:
    seed = seed_of(cell.params.seed, "repeat", cell.repeat)
    make = training_sets(cell.material, cell.arm, seed)
    targets = [images.pixels for images in cell.judged.values()]
    rows: list[Row] = []
    for name, option in cell.choices[cell.arm].items():
        training_set = make(option, cell.choices.get("classic", {}).get(name))
        scored = classifier(name).judge(training_set, targets, cell.params, seed)
        for (split, images), scores in zip(cell.judged.items(), scored, strict=True):
            key = (cell.repeat, name, cell.arm, split)
            rows += [(*key, *values) for values in cell.score(images, scores)]
    return rows
