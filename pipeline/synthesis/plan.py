"""How many synthetic images of which class."""

import numpy as np
from numpy.typing import NDArray

from pipeline.params import Plan


def wanted(plan: Plan, real: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of synthetic images of each class, int64.

    Args:
        plan: `fill` brings every class up to the largest; `ratio` gives that many per real image;
            `per_class` gives the same number to all.
        real: number of real training images of each class.
    """
    match plan.kind:
        case "fill":
            return real.max() - real
        case "ratio":
            return np.ceil(plan.amount * real).astype(np.int64)
        case "per_class":
            return np.full_like(real, int(plan.amount))
