"""How many samples make classes even."""

import numpy as np
from numpy.typing import NDArray

LITTLE = 0.5
"""Where filling up adds less than this share of the real samples, twice as many gain more; where it
adds more, it gains nearly all (docs/synthesis.md)."""


def uneven(real: NDArray[np.int64]) -> bool:
    """Return whether filling classes of so many samples up to the largest adds enough."""
    return bool((real.max() - real).sum() >= LITTLE * real.sum())


def filling(real: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many samples bring each class up to the largest, or to twice it if that adds few.

    Args:
        real: number of real samples of each class, int64 C.
    """
    filled: NDArray[np.int64] = (1 if uneven(real) else 2) * real.max() - real
    return filled
