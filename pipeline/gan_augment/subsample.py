"""Fair samples: rows that stand for all rows of their class, whatever order they are in.

Rows in the order of file names are sorted by camera, date, light or patient: the first of them show
one corner of the data.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.seeding import rng

MOST_ROWS = 20_000
"""Rows that are fitted to, or looked at, where more would take memory or time without end."""


def subsample(
    labels: NDArray[np.int64],
    counts: Sequence[int] | NDArray[np.int64],
    seed: int,
    groups: Sequence[str] | pd.Series | None = None,
) -> NDArray[np.intp]:
    """Return so many rows of each class, class by class, in their order within a class.

    Every row of a class is as likely as any other. Where there are groups, each gives its share,
    rounded up or down: a systematic sample of rows that are sorted by group and shuffled within
    (Madow 1949).

    Args:
        labels: int64 N, class indices.
        counts: by class index, how many to draw; a class that has fewer gives all.
        seed: of the draw.
        groups: N names of what belongs together, such as a patient or a burst; None for no groups.

    Returns:
        int, as many rows as were drawn, none twice.
    """
    names = None if groups is None else np.asarray(groups, object)
    chosen = [np.zeros(0, np.intp)]
    for label, count in enumerate(counts):
        draw = rng(seed, "subsample", label)
        rows = draw.permutation(np.flatnonzero(labels == label))
        if names is not None:
            rows = rows[np.argsort(pd.factorize(names[rows])[0], kind="stable")]
        wanted = min(int(count), len(rows))
        places = (draw.random() + np.arange(wanted)) * len(rows) / max(wanted, 1)
        chosen.append(np.sort(rows[places.astype(np.intp)]))
    return np.concatenate(chosen)
