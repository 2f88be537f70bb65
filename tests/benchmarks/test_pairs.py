from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from benchmarks.copies import called, more
from benchmarks.pairs import Pair, judged, rate, repeats_alone
from gan_augment.evaluation import outcomes
from gan_augment.table import Images
from tests.evaluation import worlds

KEPT = [called("gmm", True, copy) for copy in range(3)]


def world(seed: int, arms: dict[str, float], kept: float = 0.0) -> pa.Table:
    """Return made-up outcomes on 6 classes of 60 images in 6 repeats."""
    draw, sizes = np.random.default_rng(seed), [60] * 6
    labels = np.repeat(np.arange(6), sizes)
    images = Images(np.zeros((360, 1, 1, 1), np.uint8), labels, tuple("abcdef"), pd.DataFrame())
    hits = {}
    for split in ("validation", "test"):
        made = worlds.random(draw, sizes, 6, arms, kept=kept)
        for (judge, arm), right in made.right.items():
            hits[split, judge, arm] = right.reshape(6, 360).astype(bool)
    return outcomes.table(hits, {"validation": images, "test": images})


def test_what_the_rule_before_calls_different_the_verdict_does_not() -> None:
    """Copies that differ image by image in all repeats alike, and in nothing else."""
    found = [
        said
        for seed in range(8)
        for said in judged(world(seed, dict.fromkeys(["real", *KEPT], 0.0), kept=0.5)).values()
    ]
    before = np.mean([one.before in ("helps", "harms") for one in found])
    now = np.mean([one.alone in ("helps", "harms") for one in found])
    assert len(found) == 8 * 3 * 2
    assert before > 0.1
    assert now <= 0.05
    assert np.median([one.wider for one in found]) > 1.5


def test_an_arm_that_is_better_is_found_from_either_side() -> None:
    new, again = (called(name, False, 0) for name in more(2))
    found = judged(world(0, {"real": -1.0, again: 0.0, new: 1.0}))
    assert set(found) == {Pair(new, again), Pair(again, new)}
    better, worse = found[new, again], found[again, new]
    assert (better.before, better.alone, better.word) == ("helps", "helps", "helps")
    assert (worse.before, worse.alone, worse.word) == ("harms", "harms", "worse")
    assert better.above
    assert not worse.above
    assert better.mean == pytest.approx(-worse.mean)
    assert better.mean > 5


def test_the_interval_of_independent_pairs_is_that_of_clopper_and_pearson() -> None:
    pairs = {Pair(f"a{number}", f"b{number}"): number < 5 for number in range(50)}
    exact = binomtest(5, 50).proportion_ci(method="exact")
    assert rate(pairs) == pytest.approx((0.1, exact.low, exact.high), abs=0.005)


def test_pairs_that_share_copies_are_worth_less() -> None:
    """One odd copy of eight is in seven pairs of 28: one thing that happened, not seven."""
    odd = {Pair(*pair): "0" in pair for pair in combinations("01234567", 2)}
    spread = dict(zip(odd, [number % 4 == 0 for number in range(28)], strict=True))
    assert rate(odd).share == rate(spread).share == 0.25
    assert rate(odd).high - rate(odd).low > 1.5 * (rate(spread).high - rate(spread).low)


def test_a_rate_of_none_is_bounded_by_the_pairs_that_share_no_copy() -> None:
    never = dict.fromkeys((Pair(*pair) for pair in combinations("01234567", 2)), False)
    assert rate(never) == pytest.approx((0, 0, 1 - 0.025 ** (1 / 4)))
    always = dict.fromkeys(never, True)
    assert rate(always) == pytest.approx((1, 0.025 ** (1 / 4), 1))


def test_the_rule_before_is_an_exact_sign_flip_and_a_bootstrap_of_repeats() -> None:
    first = np.array([0.52, 0.51, 0.53, 0.54, 0.51, 0.52])
    low, high, p = repeats_alone(first, np.full(6, 0.5))
    assert p == pytest.approx(2 / 64)
    assert 0.01 < low < 0.0217 < high < 0.04
    assert repeats_alone(first, first) == (0, 0, 1)
