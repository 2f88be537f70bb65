"""How often each row is seen in an epoch: the mixtures that evaluation compares, in the mean."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.errors import UserError


def times(
    labels: NDArray[np.int64],
    synthetic: NDArray[np.bool_],
    share: float,
    again: float = 0.0,
    planned: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return how often each row is seen in an epoch, float64 N.

    Each synthetic row `share` times, each real one once, and real ones of each class as often again
    as makes `again` × `planned` images.

    Args:
        labels: int64 N, class indices.
        synthetic: bool N, which rows are.
        share: how often a synthetic row is seen, 0 or more.
        again: how often the plan is filled with real rows, 0 or more.
        planned: int64 C, images of each class that the plan wants; None is as many as are here.

    Raises:
        UserError: the share is no number of 0 or more.
    """
    share = checked(share)
    size = int(labels.max(initial=-1)) + 1
    real, made = (np.bincount(labels[rows], minlength=size) for rows in (~synthetic, synthetic))
    more = made if planned is None else planned[:size]
    once = 1 + again * more / np.maximum(real, 1)
    return np.where(synthetic, share, once[labels])


def checked(share: Any) -> float:
    """Return a share that is a number of 0 or more.

    Raises:
        UserError: it is something else.
    """
    if not isinstance(share, Real) or not 0 <= float(share) < np.inf:
        raise UserError(f"share = {share!r}: should be a number of 0 or more, or 'verdict'")
    return float(share)


def epoch(
    times: NDArray[np.float64],
    draw: np.random.Generator,
    labels: NDArray[np.int64] | None = None,
) -> NDArray[np.intp]:
    """Return the rows of an epoch in a random order, each as often as it should be seen.

    A fraction is the chance of one time more (systematic resampling); a row that is to be seen
    once is seen once. An epoch has always as many rows, the sum of `times`, rounded.

    Args:
        times: float64 N, as `times` gives them.
        draw: decides order and fractions.
        labels: int64 N; where given, each class has as many rows, up to one, as `times` say.
    """
    order = draw.permutation(len(times))
    if labels is not None:
        order = order[labels[order].argsort(kind="stable")]
    whole = np.floor(times[order])
    total = np.cumsum(times[order] - whole)
    more = round(float(times.sum())) - float(whole.sum())
    missing = more - float(total[-1:].sum())
    start = draw.uniform(max(missing, 0.0), min(1.0 + missing, 1.0))  # so that `more` are drawn
    edges = np.minimum(np.floor(total + start), more)
    edges[-1:] = more  # whatever the sum's last digit
    seen = (whole + np.diff(edges, prepend=0)).astype(np.int64)
    rows: NDArray[np.intp] = draw.permutation(np.repeat(order, seen))
    return rows
