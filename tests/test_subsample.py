"""Fair samples: each row as likely as any other, each group as its share, whatever the order."""

import numpy as np
import pytest

from gan_augment.subsample import subsample


def test_so_many_of_each_class_in_order_and_none_twice() -> None:
    labels = np.arange(60) % 3
    rows = subsample(labels, [5, 0, 99], 0)
    np.testing.assert_array_equal(labels[rows], np.repeat([0, 2], [5, 20]))
    assert len(set(rows)) == 25
    assert (np.diff(rows[:5]) > 0).all()
    np.testing.assert_array_equal(rows, subsample(labels, [5, 0, 99], 0))
    assert set(rows) != set(subsample(labels, [5, 0, 99], 1))


@pytest.mark.parametrize("grouped", [False, True])
def test_every_row_is_as_likely_as_any_other(grouped: bool) -> None:
    """Large groups and small ones: over 4,000 draws of 6 of 20 rows each comes 1,200 times."""
    labels = np.zeros(20, np.int64)
    groups = ["a"] * 10 + ["b"] * 5 + list("cdefg") if grouped else None
    times = np.zeros(20)
    for seed in range(4000):
        times[subsample(labels, [6], seed, groups)] += 1
    deviation = np.sqrt(4000 * 0.3 * 0.7)
    assert times.sum() == 24_000
    np.testing.assert_allclose(times, 1200, atol=4.5 * deviation)


def test_a_group_gives_its_share_rounded_up_or_down() -> None:
    groups = np.repeat(["burst", "walk", "one", "two"], [50, 30, 10, 10])
    for seed in range(50):
        chosen = groups[subsample(np.zeros(100, np.int64), [25], seed, list(groups))]
        assert 12 <= (chosen == "burst").sum() <= 13
        assert 7 <= (chosen == "walk").sum() <= 8
        assert 2 <= (chosen == "one").sum() <= 3


def test_the_order_of_rows_tells_nothing() -> None:
    """Of rows sorted by brightness a sample is as bright as all of them."""
    brightness = np.linspace(0, 1, 3000)
    labels = np.zeros(3000, np.int64)
    means = [brightness[subsample(labels, [300], seed)].mean() for seed in range(30)]
    assert np.mean(means) == pytest.approx(0.5, abs=0.01)
