from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation import cells
from pipeline.evaluation.arms import Material
from pipeline.params import ClassicParams, EvaluateParams
from pipeline.table import Images

PARAMS = EvaluateParams(
    repeats=6, arms=("real", "gan"), classifiers=("k-nn", "logistic-regression")
)


@pytest.fixture(scope="module")
def material(train_images: Images) -> Material:
    few = train_images.labels.argsort(kind="stable")[::4]
    real = Images(
        train_images.pixels[few], train_images.labels[few], train_images.classes, train_images.rows
    )
    return Material(real, real, real, ClassicParams())


def accuracy(images: Images, scores: np.ndarray) -> list[tuple[str, str, float]]:
    return [("accuracy", "", float((scores.argmax(1) == images.labels).mean()))]


def refuse(_: Images, __: np.ndarray) -> list[tuple[str, str, float]]:
    raise AssertionError("computed again")


def test_every_cell_is_there_and_finished_ones_are_not_computed_again(
    material: Material, train_images: Images, tmp_path: Path
) -> None:
    judged = {"validation": train_images}
    args = material, judged, PARAMS, {arm: dict.fromkeys(PARAMS.classifiers) for arm in PARAMS.arms}
    rows = cells.compute(*args, accuracy, tmp_path)
    assert len({tuple(row[:4]) for row in rows}) == len(rows) == 6 * 2 * 2
    assert min(row[-1] for row in rows) > 0.7
    assert cells.compute(*args, refuse, tmp_path) == rows
    next(tmp_path.glob("*.json")).unlink()
    assert cells.compute(*args, accuracy, tmp_path) == rows


def test_the_fingerprint_follows_params_and_inputs() -> None:
    first = cells.fingerprint(PARAMS, "a", "b")
    assert first == cells.fingerprint(PARAMS, "a", "b")
    assert first != cells.fingerprint(PARAMS, "a", "c")
    assert first != cells.fingerprint(PARAMS.model_copy(update={"seed": 1}), "a", "b")
