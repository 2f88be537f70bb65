"""Paired statistics: what a difference says of new images, and how sure it is.

The estimate is linear in what is measured: the mean over repeats, over classes and over a class's
images of what one arm gets right and the other does not. Images and repeats are crossed, as cases
and readers are where radiologists are compared, and both are drawn from more of their kind. The
variance is the unbiased one of such a design (Gallas 2006); one t distribution, with degrees of
freedom by Satterthwaite, gives the interval, the p-value and every other claim.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

SIGNIFICANCE = 0.05
PRIOR = 2.0
"""Images' worth of the mean variance of all classes in that of each, at most (Smyth 2004)."""
NOTHING = 1e-18
"""A variance that is rounding."""

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]


@dataclass(frozen=True)
class Difference:
    """A mean paired difference, and what its uncertainty is made of.

    Attributes:
        mean: over repeats, classes and their images, −1 to 1.
        images: variance of the mean from images to other images, above 0.
        repeats: variance of the mean from repeat to repeat, on these images.
        shared: what is in both: how images come out differently from repeat to repeat.
        images_df: degrees of freedom of `images`.
        repeats_df: of `repeats`.
        overlap: times what repeats add, because they learnt from the same images; 1 or more.
    """

    mean: float
    images: float
    repeats: float
    shared: float
    images_df: float
    repeats_df: float
    overlap: float = 1.0

    @property
    def added(self) -> float:
        """What repeats add to the variance that images make."""
        return self.overlap * max(self.repeats - self.shared, 0.0)

    @property
    def error(self) -> float:
        """The standard error."""
        return math.sqrt(self.images + self.added)

    @property
    def df(self) -> float:
        """Degrees of freedom (Satterthwaite 1946, as Hillis 2007 has it where repeats add 0)."""
        of_images = self.images**2 / self.images_df
        of_repeats = (self.added + self.shared) ** 2 / self.repeats_df
        return (self.images + self.added) ** 2 / (of_images + of_repeats)

    @property
    def p(self) -> float:
        """Two-sided, of no difference."""
        return float(2 * stdtr(self.df, -abs(self.mean) / self.error))

    def above(self, least: float) -> float:
        """Return the probability, 0–1, that the difference on new images is above `least`.

        It is one minus the p-value of the one-sided test that it is not: a confidence distribution
        (Xie & Singh 2013).
        """
        return float(stdtr(self.df, (self.mean - least) / self.error))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval, within −1 to 1."""
        reach = self.error * float(stdtrit(self.df, (1 + confidence) / 2))
        return max(self.mean - reach, -1.0), min(self.mean + reach, 1.0)

    def on(self, times: float) -> "Difference":
        """Return what it would be on so many times the images, if nothing else changed."""
        return replace(
            self,
            images=self.images / times,
            repeats=max(self.repeats - self.shared, 0.0) + self.shared / times,
            shared=self.shared / times,
            images_df=self.images_df * times,
        )


class Cases:
    """Images as they were judged: a line for every image in every repeat.

    Repeats need not judge the same images.
    """

    def __init__(self, repeat: NDArray[Any], label: NDArray[Any], group: NDArray[Any]) -> None:
        """Take which repeat, class and group each of M lines is of, M values of any kind."""
        # A stratum is a class in a repeat, a part the images of one group in a stratum.
        repeats, self._repeat = np.unique(repeat, return_inverse=True)
        classes, label = np.unique(label, return_inverse=True)
        groups, group = np.unique(group, return_inverse=True)
        self.repeats, self.classes = len(repeats), len(classes)
        self._stratum = self._repeat * self.classes + label
        self._counts = np.bincount(self._stratum, minlength=self.repeats * self.classes)
        self._present = (self._counts.reshape(self.repeats, -1) > 0).sum(axis=1)
        self._weights = 1 / (self._counts[self._stratum] * self._present[self._repeat])
        parts, self._part = np.unique(self._stratum * len(groups) + group, return_inverse=True)
        stratum, of_group = np.divmod(parts, len(groups))
        of_repeat, of_class = np.divmod(stratum, self.classes)
        in_stratum = np.bincount(stratum)[stratum]
        self._scale = np.sqrt(in_stratum / np.maximum(in_stratum - 1, 1))
        pairs, self._pair = np.unique(of_repeat * len(groups) + of_group, return_inverse=True)
        self._group_of_pair = pairs % len(groups)
        clusters, self._cluster = np.unique(of_class * len(groups) + of_group, return_inverse=True)
        self._class_of_cluster = clusters // len(groups)
        weights = _sums(self._cluster, _sums(self._part, self._weights)) / self.repeats
        self._squares = _sums(self._class_of_cluster, weights**2)
        self._groups = np.bincount(self._class_of_cluster)

    def __len__(self) -> int:
        return len(self._stratum)

    def scores(self, values: Floats) -> Floats:
        """Return the balanced mean of M values in each repeat: of classes, each of its images."""
        return _sums(self._repeat, self._weights * values)

    def difference(self, values: Floats, overlap: float = 1.0) -> Difference:
        """Return the mean of M paired differences, and what its uncertainty is made of.

        Whole groups of images are what is drawn. Classes have variances of their own, each
        moderated towards their mean; degrees of freedom follow the fourth moment, so few images
        that differ count for as few as they are. Where none differs it is as if one had.
        """
        scores = self.scores(values)
        means = _sums(self._stratum, values, len(self._counts)) / np.maximum(self._counts, 1)
        centred = self._weights * (values - means[self._stratum])
        parts = self._scale * _sums(self._part, centred)
        pairs = _sums(self._pair, parts)
        groups = _sums(self._group_of_pair, pairs) / self.repeats
        images = float((groups**2).sum())
        moderated, df = self._moderated(parts)
        if (fourth := float((groups**4).sum())) > 0:
            df = min(df, 2 * images**2 / fourth)
        images += moderated
        if images < NOTHING:
            images, df = float((self._squares / self._groups).mean()), 2.0
        repeats = shared = 0.0
        if self.repeats > 1:
            free = self.repeats - 1
            repeats = float(scores.var(ddof=1)) / self.repeats
            own = float((pairs**2).sum()) / self.repeats
            shared = max(own - float((groups**2).sum()), 0.0) / free
        df_repeats = float(max(self.repeats - 1, 1))
        return Difference(float(scores.mean()), images, repeats, shared, df, df_repeats, overlap)

    def _moderated(self, parts: Floats) -> tuple[float, float]:
        """Return what moderation adds to the variance, and its degrees of freedom."""
        clusters = _sums(self._cluster, parts) / self.repeats
        plain = _sums(self._class_of_cluster, clusters**2)
        free = self._groups - 1
        each = plain / self._squares
        typical = each[free > 0].mean() if (free > 0).any() else 0.0
        # A class cannot borrow what no other class has: alone it is not moderated.
        prior = np.minimum(PRIOR, free.sum() - free)
        worth = np.maximum(free + prior, 1)
        moderated = self._squares * (free * each + prior * typical) / worth
        total = float(moderated.sum())
        df = total**2 / float((moderated**2 / worth).sum()) if total > 0 else 2.0
        return total - float(plain.sum()), df


def _sums(where: NDArray[np.intp], values: Floats, least: int = 0) -> Floats:
    """Return the sum of the values at each place, `least` places or more."""
    found: Any = np.bincount(where, values, least)
    return found


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in order (Holm 1979): none below its own."""
    order = np.argsort(p)
    steps = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def points(difference: Mapping[str, float], unit: str = " points") -> str:
    """Return a difference of shares in points, e.g. "+1.2 points (+0.4 to +2.0)"."""
    mean, low, high = (100 * difference[key] for key in ("mean", "low", "high"))
    return f"{mean:+.1f}{unit} ({low:+.1f} to {high:+.1f})"
