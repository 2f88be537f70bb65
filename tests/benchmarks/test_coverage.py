"""Coverage of a study's intervals: the pieces that the table is counted from."""

import numpy as np
import pytest

from benchmarks import coverage


def test_sharing_widens_an_interval_around_the_same_mean() -> None:
    arms, pool = coverage.ARMS["two kinds"], coverage.Pool(60, 12)
    (low, high), (lower, higher) = coverage._intervals(arms, pool, np.random.default_rng(0))
    assert lower <= low < high <= higher
    assert low + high == pytest.approx(lower + higher)


def test_a_split_judges_no_sample_that_was_learnt_from() -> None:
    labels, pool = np.repeat(np.arange(4), 50), coverage.Pool(50, 12)
    train, test = coverage._split(labels, pool, np.random.default_rng(0))
    assert not set(train) & set(test)
    assert np.bincount(labels[train]).tolist() == [12] * 4
    assert np.bincount(labels[test]).tolist() == [10] * 4
