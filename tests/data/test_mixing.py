from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.data import Data
from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS, Material
from gan_augment.params import ClassicParams
from gan_augment.recipe.mixing import epoch, times


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
    real = real.select((real.rows["origin"] == "real").to_numpy())
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


def test_where_an_epoch_is_no_whole_number_of_rows_real_ones_are_seen_once_all_the_same() -> None:
    synthetic = np.arange(30) >= 24
    often = times(np.zeros(30, np.int64), synthetic, 0.1)  # 24.6 rows
    for seed in range(400):
        seen = np.bincount(epoch(often, np.random.default_rng(seed)), minlength=30)
        assert (seen[~synthetic] == 1).all()
        assert seen[synthetic].sum() == 1


def test_fractions_are_drawn_within_classes() -> None:
    labels, often = np.repeat([0, 1], [5, 20]), np.repeat([1.5, 0.3], [5, 20])
    for seed in range(100):
        rows = epoch(often, np.random.default_rng(seed), labels)
        assert np.bincount(labels[rows]).tolist() == [8, 6]  # of 7.5 and 6
