"""Cells: one arm in one repeat each, computed on all cores and kept until all are done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.engine import fan_out
from pipeline.evaluation.arms import ARMS, Material, resample
from pipeline.evaluation.classifiers import CLASSIFIERS
from pipeline.params import EvaluateParams
from pipeline.seeding import seed_of
from pipeline.storage import digest
from pipeline.table import Images

Row = tuple[int, str, str, str, str, str, float]
"""Repeat, classifier, arm, split, metric, class ("" for all), value."""

Score = Callable[[Images, NDArray[np.float64]], Sequence[tuple[str, str, float]]]
"""(images, class scores N×C) → metric, class and value of each; can be pickled."""


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
    score: Score = field(repr=False)


def compute(
    material: Material,
    judged: Mapping[str, Images],
    params: EvaluateParams,
    score: Score,
    scratch: Path | None = None,
) -> list[Row]:
    """Return the scores of all arms in all repeats by all classifiers.

    Args:
        material: what arms are made of.
        judged: images of each split that is scored.
        params: the section `evaluate`.
        score: how class scores become metrics.
        scratch: where finished cells are kept, in a folder of `fingerprint`; None keeps nothing.
    """
    cells = [
        Cell(arm, repeat, material, judged, params, score)
        for repeat in range(params.repeats)
        for arm in params.arms
    ]
    found = fan_out(_compute, cells, "evaluate", "arms × repeats", scratch)
    return [row for rows in found for row in rows]


def fingerprint(params: EvaluateParams, *inputs: str) -> str:
    """Return a hash of what cells depend on: params, inputs (their hashes) and this code."""
    code = sorted(Path(__file__).parent.rglob("*.py"))
    return digest(params.model_dump_json(), *inputs, *code)


def _compute(cell: Cell) -> list[Row]:
    seed = seed_of(cell.params.seed, "repeat", cell.repeat)
    training_set = resample(ARMS[cell.arm].make(cell.material, seed), seed)
    targets = [images.pixels for images in cell.judged.values()]
    return [
        (cell.repeat, name, cell.arm, split, *values)
        for name in cell.params.classifiers
        for (split, images), scores in zip(
            cell.judged.items(),
            CLASSIFIERS[name](training_set, targets, cell.params, seed),
            strict=True,
        )
        for values in cell.score(images, scores)
    ]
