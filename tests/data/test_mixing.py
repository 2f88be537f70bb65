from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.data import Data
from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS, Material
from gan_augment.params import ClassicParams
from gan_augment.recipe.mixing import times


def seen(data: Data, share: float, again: float) -> np.ndarray:
    """Return how many rows of each origin and class an epoch has, in the mean."""
    often = times(data.labels, data.synthetic, share, again)
    classes = len(data.classes)
    return np.stack(
        [
            np.bincount(data.labels[rows], often[rows], minlength=classes)
            for rows in (~data.synthetic, data.synthetic)
        ]
    )


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("arm", ["gan", "gan+classic"])
def test_a_share_gives_the_training_sets_that_evaluation_compared(
    arm: str, share: float, data: Data, project: Path
) -> None:
    real, synthetic = (
        table.decode(rows.combine_chunks())
        for rows in (
            next(table.scan(project / "data/augmented", "train")),
            next(table.scan(project / "data/synthetic", "train")),
        )
    )
    kept = (real.rows["origin"] == "real").to_numpy()
    real = table.Images(real.pixels[kept], real.labels[kept], real.classes, real.rows[kept])
    material = Material(real, synthetic, synthetic, ClassicParams())
    made = ARMS[arm].prepare(material, 0)(share, ClassicParams())
    compared = np.stack(
        [np.bincount(made.labels[rows], minlength=10) for rows in (~made.synthetic, made.synthetic)]
    )
    found = seen(data, share, max(1 - share, 0.0) if ARMS[arm].on_classic else 0.0)
    np.testing.assert_allclose(found, compared, atol=0.5)  # evaluation takes whole images


def test_shares_are_not_negative(data: Data) -> None:
    for share in (-0.1, float("nan")):
        with pytest.raises(UserError, match="should be a number of 0 or more, or 'verdict'"):
            times(data.labels, data.synthetic, share)


def test_real_rows_fill_the_plan_as_often_as_they_should() -> None:
    labels, synthetic = np.array([0, 0, 1, 1, 1]), np.array([False, False, False, True, True])
    np.testing.assert_allclose(times(labels, synthetic, 0.5, 1.0), [1, 1, 3, 0.5, 0.5])
    planned = np.array([4, 10, 7])
    found = times(labels[:3], synthetic[:3], 0.0, 0.5, planned)
    np.testing.assert_allclose(found, [2, 2, 6])
