import itertools

import numpy as np
import pytest
from scipy import stats

from gan_augment.evaluation.statistics import (
    Discordance,
    holm,
    mcnemar,
    paired_difference,
    resampled_t,
)


def test_p_is_the_share_of_sign_flips_at_least_as_extreme() -> None:
    differences = np.array([0.3, 0.1, -0.2, 0.4, 0.05, 0.2])
    flips = np.array(list(itertools.product([1, -1], repeat=6))) * differences
    expected = (np.abs(flips.mean(axis=1)) >= abs(differences.mean()) - 1e-12).mean()
    assert paired_difference(differences, np.zeros(6)).p == pytest.approx(expected)


def test_the_smallest_p_of_ten_repeats() -> None:
    assert paired_difference(np.linspace(0.1, 0.2, 10), np.zeros(10)).p == pytest.approx(2 / 2**10)


def test_the_interval_agrees_with_student_on_normal_differences() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 200)
    found = paired_difference(values, np.zeros(200))
    low, high = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_the_interval_is_accelerated_for_skewed_differences() -> None:
    """BCa moves towards the long tail, as a plain percentile interval does not."""
    values = np.random.default_rng(0).exponential(1, 30)
    found = paired_difference(values, np.zeros(30))
    assert found.high - found.mean > 1.15 * (found.mean - found.low)


def test_pairing_takes_out_what_repeats_share() -> None:
    shared = np.random.default_rng(0).normal(0, 10, 10)
    found = paired_difference(shared + np.linspace(0.9, 1.1, 10), shared)
    assert 0.9 < found.low < 1 < found.high < 1.1


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_equal_differences_are_a_point(value: float) -> None:
    found = paired_difference(np.full(10, 0.1 + value), np.full(10, 0.1))
    assert found.low == found.mean == found.high == pytest.approx(value)
    assert found.p == pytest.approx(1 if value == 0 else 2 / 2**10)


def test_one_odd_repeat_out_of_ten_is_no_error() -> None:
    values = np.zeros(10)
    values[3] = 0.1
    found = paired_difference(values, np.zeros(10))
    assert found.low <= found.mean <= found.high
    assert found.p == 1


def test_the_order_of_arms_is_the_sign() -> None:
    one, two = np.random.default_rng(1).random((2, 10))
    there, back = paired_difference(one, two), paired_difference(two, one)
    assert there.mean == pytest.approx(-back.mean)
    assert there.p == back.p


def test_adjusted_p_values_are_those_of_the_textbook() -> None:
    """Holm 1979: the smallest of m times m, the next times m − 1, never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_images_that_only_one_gets_right_decide() -> None:
    first, second = np.zeros((2, 3, 12), bool)
    first[:2, :8] = True  # right in two repeats of three
    first[:1, 8:] = True  # in one: not counted
    second[:, 6:8] = True
    assert mcnemar(first, second) == Discordance(6, 0, pytest.approx(2 / 2**6))
    assert mcnemar(first, first) == Discordance(0, 0, 1.0)


def test_overlapping_splits_widen_the_interval_as_in_the_paper() -> None:
    """Nadeau & Bengio 2003: with n_test/n_train = 1/4 and n = 6 the variance is 2.5 times s²/n."""
    values = np.array([0.01, 0.02, 0.03, 0.01, 0.02, 0.03])
    plain = resampled_t(values, np.zeros(6), 0.0)
    found = resampled_t(values, np.zeros(6), 0.25)
    assert found.mean == pytest.approx(0.02)
    assert (found.high - found.low) / (plain.high - plain.low) == pytest.approx(2.5**0.5)
    assert plain.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert found.p > plain.p


def test_a_single_repeat_proves_nothing() -> None:
    found = paired_difference(np.array([0.9]), np.array([0.7]))
    assert found.low == found.high == found.mean == pytest.approx(0.2)
    assert found.p == 1.0
