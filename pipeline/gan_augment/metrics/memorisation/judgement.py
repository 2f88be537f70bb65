"""The judgement: are the synthetic images copied from training images? Bounds and reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

from gan_augment.metrics.memorisation.copies import NearCopies, exact_copy_search, near_copies
from gan_augment.metrics.memorisation.sample import Sample, same_classes
from gan_augment.metrics.memorisation.statistics import (
    Ratio,
    authenticity,
    data_copying,
    distance_ratios,
    median_ratio,
)

EXACT_COPIES = 0.001
"""Bound of the share of exact copies among synthetic images, beyond that of held-out ones."""
NEAR_COPIES = 0.03
"""Bound of the same for near copies: what classes in other proportions may come to by chance."""
SIGNIFICANCE = 0.01
"""More near copies than among held-out images must be this unlikely by chance."""
DATA_COPYING = -3.0
"""Bound of C_T: three standard deviations of what a perfect generator gets, or more."""
MATCH_RATIO = 0.8
"""Bound of the upper end of `Copying.match_ratio`: a fifth closer than real images are.

On digits with 20 training images a class, Gaussian mixtures have 1.04, SMOTE 0.37; a GAN that saw
all classes equally often 0.90 after 1,000 steps, and 0.64 after 4,000, when one image in six was a
near copy.
"""


@dataclass(frozen=True)
class Copying:
    """Whether synthetic images are copied from training images, and the evidence.

    Attributes:
        exact, holdout_exact: shares of exact copies of training images, 0–1.
        near: the near copies, one by one.
        match_ratio: of relative match distances, synthetic over held-out.
        ratio: of distances to the nearest training image of the class, synthetic over held-out.
        class_ratios: the same by class.
        data_copying: C_T.
        authenticity, holdout_authenticity: shares, 0–1. They have no bound: blurs lower them too.
        reasons: which bounds were exceeded, in words; none if this is no copying.
    """

    exact: float
    holdout_exact: float
    near: NearCopies
    match_ratio: Ratio
    ratio: Ratio
    class_ratios: dict[int, Ratio]
    data_copying: float
    authenticity: float
    holdout_authenticity: float
    reasons: tuple[str, ...]


def copying(synthetic: Sample, holdout: Sample, train: Sample) -> Copying:
    """Judge whether synthetic images are copied from the training images.

    They are if there are more exact or near copies among them than among held-out images, by more
    than `EXACT_COPIES` and `NEAR_COPIES`; or if, as a whole, both C_T and the ratio of relative
    match distances are below `DATA_COPYING` and `MATCH_RATIO`. C_T alone would also condemn a
    generator of class means, which is near to all images and copies none. Interpolations of two
    training images, as SMOTE's, are near copies and are judged so.

    All but the shares of copies are measured on as many images of each class on either side.

    Args:
        synthetic: from the generator, before any gate has removed copies.
        holdout: real images that the generator has not seen, as the validation split.
        train: the images that the generator was trained on.

    Raises:
        TooFewRowsError: fewer than `RATIO_ROWS` synthetic and held-out images of the same classes,
            or a class without two training images.
    """
    known = exact_copy_search(train.pixels)
    exact, holdout_exact = (float(known(part.pixels).mean()) for part in (synthetic, holdout))
    near = near_copies(synthetic, holdout, train)
    chosen, others = same_classes(synthetic.labels, holdout.labels)
    features, holdout_features = synthetic.features[chosen], holdout.features[others]
    match_ratio = median_ratio(near.synthetic.relative[chosen], near.holdout.relative[others])
    ratio, class_ratios = distance_ratios(synthetic, holdout, train)
    c_t = data_copying(features, holdout_features, train.features)
    return Copying(
        exact=exact,
        holdout_exact=holdout_exact,
        near=near,
        match_ratio=match_ratio,
        ratio=ratio,
        class_ratios=class_ratios,
        data_copying=c_t,
        authenticity=authenticity(features, train.features),
        holdout_authenticity=authenticity(holdout_features, train.features),
        reasons=tuple(_reasons(exact, holdout_exact, near, match_ratio, c_t)),
    )


def _reasons(
    exact: float, holdout_exact: float, near: NearCopies, match_ratio: Ratio, c_t: float
) -> Iterator[str]:
    if exact > holdout_exact + EXACT_COPIES:
        yield (
            f"{exact:.1%} are exact copies of training images, against {holdout_exact:.1%} of "
            f"held-out images: more than {EXACT_COPIES:.1%} beyond"
        )
    if near.beyond > NEAR_COPIES and _chance(near) < SIGNIFICANCE:
        yield (
            f"{near.share:.1%} are near copies of training images, against "
            f"{near.holdout_share:.1%} of held-out images: more than {NEAR_COPIES:.0%} beyond"
        )
    if c_t < DATA_COPYING and match_ratio.high < MATCH_RATIO:
        yield (
            f"they are closer to the training images than held-out images are (C_T {c_t:.1f}, "
            f"bound {DATA_COPYING:g}) and to single ones at that (ratio {match_ratio.value:.2f}, "
            f"at most {match_ratio.high:.2f}, bound {MATCH_RATIO:g})"
        )


def _chance(near: NearCopies) -> float:
    """Return p of Fisher's exact test: as many near copies or more if both sets were alike."""
    from scipy.stats import fisher_exact

    sides = [part.relative < near.threshold for part in (near.synthetic, near.holdout)]
    table = [[int(copies.sum()), int((~copies).sum())] for copies in sides]
    return float(fisher_exact(table, alternative="greater").pvalue)
