import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, mannwhitneyu, norm

from gan_augment.metrics.fidelity import TooFewRowsError
from gan_augment.metrics.memorisation import (
    Sample,
    authenticity,
    data_copying,
    distance_ratios,
    judgement,
    median_ratio,
    nearest,
    statistics,
)
from gan_augment.seeding import rng
from tests.metrics.memorisation.worlds import SEEDS, rows


def test_median_ratio_and_its_interval() -> None:
    draw = np.random.default_rng(0)
    near, far = draw.gamma(9, 1, 400), draw.gamma(9, 2, 400)
    found = median_ratio(near, far)
    assert found.value == np.median(near) / np.median(far)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.15
    assert found == median_ratio(near, far)
    with pytest.raises(TooFewRowsError, match="at least 20 holdout images, not 19"):
        median_ratio(near, far[:19])


def test_the_interval_is_that_of_two_thousand_resamples_but_one() -> None:
    """Of each set anew, always the same, however many are in memory at once."""
    draw = np.random.default_rng(0)
    near, far = draw.gamma(9, 1, 21), draw.gamma(9, 2, 20)
    resampled = bootstrap(
        (near, far),
        lambda x, y, axis: np.median(x, axis=axis) / np.median(y, axis=axis),
        n_resamples=1999,
        method="percentile",
        rng=rng(0, "ratio of distances"),
    )
    found = median_ratio(near, far)
    assert (found.low, found.high) == tuple(resampled.confidence_interval)
    assert found.rows == 21


def test_the_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(1).gamma(9, 1, (100, 2, 40))
    intervals = [median_ratio(*pair) for pair in draws]
    covered = sum(found.low <= 1 <= found.high for found in intervals)
    assert covered >= 88  # of 100, at 95 %


def test_distance_ratios_compare_equal_numbers_of_each_class() -> None:
    """The real images of class 1 are ten times as far apart, and the generator makes mostly those.

    It draws from the real distribution: no ratio may be far from 1.
    """
    draw = np.random.default_rng(0)

    def sample(counts: tuple[int, ...]) -> Sample:
        labels = np.repeat(range(4), counts)
        features = draw.normal(size=(len(labels), 5)) * np.where(labels == 1, 10, 1)[:, None]
        return Sample(np.zeros((len(labels), 1, 1, 1), np.uint8), labels, features)

    overall, classes = distance_ratios(
        sample((60, 400, 60, 20)), sample((200, 50, 19, 20)), sample((100, 100, 100, 100))
    )
    assert overall.rows == 60 + 50 + 19 + 20
    assert {label: found.rows for label, found in classes.items()} == {0: 60, 1: 50, 3: 20}
    assert all(0.6 < found.value < 1.6 for found in (overall, *classes.values()))


@given(SEEDS, st.floats(0.01, 100))
@settings(max_examples=10)
def test_a_ratio_has_no_unit(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.gamma(9, 1, (2, 30))
    assert median_ratio(scale * x, scale * y) == pytest.approx(median_ratio(x, y))


def test_data_copying_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells, about 0 and 100; distances 1, 3 against 2, 4, 5 and 6 against 7, then without."""
    monkeypatch.setattr(statistics, "CELL_ROWS", 1)
    train = np.array([[0.0], [0.0], [100.0]])
    synthetic = np.array([[1.0], [-3], [106]])
    holdout = np.array([[2.0], [-4], [5], [93]])
    # Synthetic is farther in one pair of six, 3 > 2: U 1, mean 3, variance 6 · 6 / 12.
    # In the other cell in none of one: U 0, mean ½, variance 3 / 12.
    first, second = (1 - 3) / np.sqrt(3), (0 - 0.5) / np.sqrt(0.25)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(
        3 / 4 * first + 1 / 4 * second
    )
    monkeypatch.setattr(statistics, "CELL_ROWS", 2)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(first)
    # All together: of 1, 3, 6 against 2, 4, 5, 7 four pairs of twelve.
    monkeypatch.setattr(statistics, "CELL_ROWS", 3)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(
        (4 - 6) / np.sqrt(12 * 8 / 12)
    )


@given(SEEDS)
@settings(max_examples=20)
def test_data_copying_of_one_cell_agrees_with_scipy(seed: int) -> None:
    synthetic, holdout, train = rows(seed, 40), rows(seed + 1, 30) * 1.1, rows(seed + 2, 80)
    test = mannwhitneyu(
        *(nearest(part, train).distances for part in (synthetic, holdout)),
        alternative="less",
        use_continuity=False,
        method="asymptotic",
    )
    assert norm.cdf(data_copying(synthetic, holdout, train, 1)) == pytest.approx(test.pvalue)


def test_data_copying_of_a_perfect_generator_is_about_standard_normal() -> None:
    values = [
        data_copying(rows(seed, 200), rows(seed + 1000, 200), rows(seed + 2000, 300))
        for seed in range(50)
    ]
    assert abs(np.mean(values)) < 0.45
    assert np.std(values) < 1.1
    assert min(values) > judgement.DATA_COPYING


@given(SEEDS)
@settings(max_examples=10)
def test_data_copying_tells_copies_from_underfitting(seed: int) -> None:
    draw = np.random.default_rng(seed)
    train, holdout, other = draw.normal(size=(3, 200, 4))
    copies = train[draw.integers(200, size=200)] + draw.normal(0, 0.01, (200, 4))
    assert data_copying(copies, holdout, train) < -8
    assert data_copying(2 * other, holdout, train) > 4
    # A few cells hold all of a collapsed generator, perhaps none with enough of both sets.
    assert data_copying(np.full((200, 4), 50.0), holdout, train) > 8


@pytest.mark.parametrize(
    ("n", "m", "cells"),
    [(20, 30, 1), (199, 500, 1), (200, 500, 2), (900, 300, 3), (1100, 1200, 10)],
)
def test_there_is_a_cell_for_a_hundred_rows_and_ten_at_most(n: int, m: int, cells: int) -> None:
    parts = rows(0, n), rows(1, m) * 1.1, rows(2, 60)
    assert data_copying(*parts) == data_copying(*parts, cells=cells)
    if cells > 1:
        assert data_copying(*parts) != data_copying(*parts, cells=cells - 1)


def test_too_few_rows_for_data_copying() -> None:
    with pytest.raises(TooFewRowsError, match="at least 20 synthetic images, not 19"):
        data_copying(rows(0, 19), rows(1), rows(2))
    with pytest.raises(TooFewRowsError, match="at least 5 training images, not 4"):
        data_copying(rows(0), rows(1), rows(2, 4), cells=5)


def test_authenticity_by_hand() -> None:
    """The training images' own neighbours are 1, 1, 2 and 4 away."""
    train = np.array([[0.0], [1], [3], [7]])
    assert authenticity(np.array([[-1.5]]), train) == 1
    synthetic = np.array([[-0.5], [-1.5], [3.9], [10], [12], [7]])
    # 0.5 ≤ 1, 1.5 > 1, 0.9 ≤ 2, 3 ≤ 4, 5 > 4, 0 ≤ 4
    assert authenticity(synthetic, train) == 2 / 6


@given(SEEDS)
def test_authenticity_of_copies_and_of_images_far_away(seed: int) -> None:
    train = rows(seed)
    assert authenticity(train, train) == 0
    assert authenticity(train + 100, train) == 1
    with pytest.raises(TooFewRowsError, match="at least 2 training images"):
        authenticity(train, train[:1])


@given(SEEDS, st.floats(0.1, 10))
@settings(max_examples=20)
def test_order_place_and_scale_of_features_do_not_matter(seed: int, scale: float) -> None:
    synthetic, holdout, train = rows(seed), rows(seed + 1), rows(seed + 2)
    moved = [scale * part[::-1] + 3 for part in (synthetic, holdout, train)]
    assert authenticity(moved[0], moved[2]) == authenticity(synthetic, train)
    assert data_copying(*moved) == pytest.approx(data_copying(synthetic, holdout, train))
