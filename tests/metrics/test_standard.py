import numpy as np
import pytest

from gan_augment.metrics.standard import standard


def test_features_are_told_in_deviations_from_their_mean() -> None:
    """Means 2 and 5; deviations, of all rows, 1 and 0: the latter is a millionth instead."""
    values = np.array([[1.0, 5.0], [3.0, 5.0]], np.float32)
    units = standard(values)
    assert units.mean.tolist() == [2, 5]
    assert units.scale.tolist() == [1, 1e-6]
    assert units.mean.dtype == units.scale.dtype == np.float64
    assert units(values).tolist() == [[-1, 0], [1, 0]]
    assert units(np.array([[4.0, 5.5]])) == pytest.approx(np.array([[2, 0.5e6]]))


def test_undone_they_are_what_they_were() -> None:
    values = np.random.default_rng(0).normal(3, 5, (20, 4))
    units = standard(values)
    assert units.undo(units(values)) == pytest.approx(values)
