"""Paired statistics: what a difference over repeats says, and how sure it is."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, binomtest, bootstrap, permutation_test
from scipy.stats import t as student_t

RESAMPLES = 9_999
CONFIDENCE = 0.95
EXACT_UP_TO = 16


@dataclass(frozen=True)
class Difference:
    """A mean paired difference with its uncertainty.

    Attributes:
        mean: over repeats.
        low, high: 95 % interval.
        p: two-sided, of the sign-flip test.
    """

    mean: float
    low: float
    high: float
    p: float


def paired_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """Compare two arms over the same repeats (N values each).

    The interval is the bias-corrected and accelerated bootstrap (Efron 1987) of the mean
    difference; p is exact up to 16 repeats: the share of the 2ᴺ sign flips whose mean is at least
    as extreme (Fisher's randomisation test). Differences that are all equal, or a single one, have
    no spread to resample: the interval is then that point.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    mean = float(differences.mean())
    # Equal up to rounding is equal: a resample of rounding errors would look like certainty.
    if np.ptp(differences) < 1e-12:
        low = high = mean
    else:
        low, high = _interval(differences)
    return Difference(mean, low, high, _sign_flip(differences))


def resampled_t(
    first: NDArray[np.float64], second: NDArray[np.float64], test_over_train: float
) -> Difference:
    """Compare two arms over splits of the same images, which overlap and so vary too little.

    The corrected resampled t-test (Nadeau & Bengio 2003): the variance of the mean difference over
    n splits is (1/n + n_test/n_train) times that of the differences.

    Args:
        first: N scores.
        second: those of the other arm on the same splits.
        test_over_train: test images for each training image.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    n, mean = len(differences), float(differences.mean())
    error = float(np.sqrt((1 / n + test_over_train) * differences.var(ddof=1)))
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    reach = float(student_t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    p = 2 * float(student_t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - reach, mean + reach, p)


@dataclass(frozen=True)
class Discordance:
    """On how many images two classifiers disagree about who is right.

    Attributes:
        first, second: images that only the first, only the second gets right.
        p: two-sided, of the exact test that either is as likely.
    """

    first: int
    second: int
    p: float


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Discordance:
    """Compare two arms image by image (McNemar 1947, exact).

    Args:
        first: which images are classified right, in which repeat, repeats × N; what most repeats
            say counts.
        second: the same of the other arm.
    """
    one, other = (hits.mean(axis=0) > 0.5 for hits in (first, second))
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    apart = only_first + only_second
    p = float(binomtest(only_first, apart).pvalue) if apart else 1.0
    return Discordance(only_first, only_second, p)


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in order (Holm 1979): none below its own."""
    order = np.argsort(p)
    steps = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def _interval(values: NDArray[np.float64], method: str = "BCa") -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DegenerateDataWarning)
        try:
            result = bootstrap(
                (values,),
                np.mean,
                n_resamples=RESAMPLES,
                confidence_level=CONFIDENCE,
                method=method,
                rng=np.random.default_rng(0),
            )
        except DegenerateDataWarning:  # nearly all equal: no acceleration can be estimated
            return _interval(values, "percentile")
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def _sign_flip(differences: NDArray[np.float64]) -> float:
    if len(differences) < 2 or not differences.any():
        return 1.0
    exact = len(differences) <= EXACT_UP_TO
    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if exact else RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)
