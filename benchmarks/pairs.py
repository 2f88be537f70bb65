"""Pairs of arms: what the verdict says of them, what the rule before it said, and how often.

That rule looked at repeats alone: an arm was better than another where the bias-corrected and
accelerated bootstrap of its repeats' differences (Efron 1987) lay above zero and a sign-flip test
agreed. It is kept here to be compared with, and nowhere else.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, permutations, product
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from scipy.stats import DegenerateDataWarning, beta, bootstrap, permutation_test

from benchmarks.copies import GAN, METHODS, REAL, SHARES, kind, kind_of, more
from gan_augment.engine import Shared, fan_out, shared
from gan_augment.evaluation import outcomes
from gan_augment.evaluation.outcomes import Outcomes
from gan_augment.evaluation.statistics import SIGNIFICANCE, Floats
from gan_augment.evaluation.verdict import MEAN, verdicts

MIN_GAIN = 0.5
RESAMPLES = 9_999
NARROWEST = 1e-6
"""An interval that is narrower, a point, is not divided by."""
RIVAL = "oversample"
"""The arm without a GAN in whose place the second of a pair is put."""


class Pair(NamedTuple):
    """Two arms of a world; the second is what the first is measured against."""

    first: str
    second: str


class Found(NamedTuple):
    """What is said of a pair.

    Attributes:
        before: the word of the rule before, the second in the place of real images.
        alone: the verdict's, the same.
        word: the verdict's, the second in the place of the best arm without a GAN.
        above: whether the 90 % interval, by which `level` is judged, is above zero.
        mean: the difference, points.
        wider: the verdict's 95 % interval, over that of the rule before.
    """

    before: str
    alone: str
    word: str
    above: bool
    mean: float
    wider: float


class Rate(NamedTuple):
    """A share of pairs, 0–1, with its 95 % interval."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.0%} ({self.low:.0%} to {self.high:.0%})"


def judged(world: pa.Table) -> dict[Pair, Found]:
    """Return what is said of all pairs of copies of a world, in either order."""
    splits = tuple(_mean(outcomes.of_split(world, split)) for split in ("validation", "test"))
    pairs = list(_pairs([arm for _, arm in splits[0].right if arm != REAL]))
    with shared(splits) as both:
        found = fan_out(partial(_judge, both), pairs, "judge", "pairs")
    return dict(zip(pairs, found, strict=True))


def rate(found: Mapping[Pair, bool]) -> Rate:
    """Return how often it is so, and the interval of that share.

    Pairs that share a copy are no independent trials: leaving out one copy at a time (jackknife)
    tells how many independent ones they are worth, at least as many as share none; the interval is
    that of Clopper & Pearson for so many (Korn & Graubard 1998).
    """
    values = np.array(list(found.values()), float)
    copies = list(dict.fromkeys(copy for pair in found for copy in pair))
    within = np.array([[copy in pair for pair in found] for copy in copies])
    without = (values.sum() - within @ values) / (~within).sum(axis=1).clip(1)
    variance = float(((without - without.mean()) ** 2).sum()) * (len(copies) - 1) / len(copies)
    share, apart = float(values.mean()), len(copies) / 2
    worth = share * (1 - share) / variance if variance > 0 else apart
    worth = min(max(worth, apart), len(values))
    so = share * worth
    low = float(beta.ppf(0.025, so, worth - so + 1)) if so > 0 else 0.0
    high = float(beta.ppf(0.975, so + 1, worth - so)) if so < worth else 1.0
    return Rate(share, low, high)


def repeats_alone(first: Floats, second: Floats) -> tuple[float, float, float]:
    """Return the ends of the interval and p by the rule before, of the scores of N repeats."""
    differences = first - second
    if np.ptp(differences) < 1e-12:
        low = high = float(differences.mean())
    else:
        low, high = _bootstrap(differences, "BCa")
    if not differences.any():
        return low, high, 1.0
    test = permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    return low, high, float(test.pvalue)


def _bootstrap(differences: Floats, method: str) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DegenerateDataWarning)
        try:
            found = bootstrap(
                (differences,),
                np.mean,
                n_resamples=RESAMPLES,
                method=method,
                rng=np.random.default_rng(0),
            ).confidence_interval
        except DegenerateDataWarning:  # nearly all are equal: no acceleration can be estimated
            return _bootstrap(differences, "percentile")
    return float(found.low), float(found.high)


def _pairs(arms: Sequence[str]) -> Iterator[Pair]:
    """Yield the copies of each method two by two, and those with new images and with old ones."""
    copies = {of_kind: list(each) for of_kind, each in groupby(arms, key=kind_of)}
    for method, kept in product(METHODS, (True, False)):
        yield from (Pair(*two) for two in permutations(copies.get(kind(method, kept), []), 2))
    for names in map(more, SHARES):
        one, other = (copies.get(kind(name, kept=False), []) for name in names)
        yield from (Pair(*two) for two in chain(product(one, other), product(other, one)))


def _mean(split: Outcomes) -> Outcomes:
    """Return outcomes of one classifier that is right as often as all of them on average."""
    arms: dict[str, list[Floats]] = {}
    for (_, arm), right in split.right.items():
        arms.setdefault(arm, []).append(right)
    means: Any = {(MEAN, arm): np.mean(right, axis=0) for arm, right in arms.items()}
    return replace(split, right=means)


def _judge(both: Shared[tuple[Outcomes, Outcomes]], pair: Pair) -> Found:
    """Return what is said of a pair by the whole comparison."""
    validation, test = both.get()
    alone, rival = (
        verdicts(*(_as(split, pair, place) for split in (validation, test)), MIN_GAIN)["overall"]
        for place in (REAL, RIVAL)
    )
    low, high, p = repeats_alone(*(test.cases.scores(test.right[MEAN, arm]) for arm in pair))
    difference = alone["against_real"]
    mean = 100 * difference["mean"]
    before = "undecided"
    if p < SIGNIFICANCE and high < 0:
        before = "harms"
    elif p < SIGNIFICANCE and low > 0 and mean >= MIN_GAIN:
        before = "helps"
    wider = (difference["high"] - difference["low"]) / max(high - low, NARROWEST)
    above = difference["low_90"] > 0
    return Found(before, alone["verdict"], rival["verdict"], above, mean, wider)


def _as(split: Outcomes, pair: Pair, place: str) -> Outcomes:
    """Return outcomes where the first is the GAN's arm, and the second in a place of its own."""
    arms = {REAL: REAL, GAN: pair.first, place: pair.second}
    return replace(
        split, right={(MEAN, arm): split.right[MEAN, copy] for arm, copy in arms.items()}
    )
