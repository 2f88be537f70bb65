"""Standardising: numbers without a common unit, such as a backbone's features, made comparable."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_SCALE = 1e-6
"""A feature that does not vary is divided by this."""


@dataclass(frozen=True)
class Standard:
    """The mean and the standard deviation of each feature, float64 F."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return features N×F in deviations from the mean."""
        result: NDArray[np.float64] = (values - self.mean) / self.scale
        return result

    def undo(self, standardised: NDArray[Any]) -> NDArray[np.float64]:
        """Return features N×F of what was standardised."""
        result: NDArray[np.float64] = standardised * self.scale + self.mean
        return result


def standard(values: NDArray[Any]) -> Standard:
    """Take mean and deviation from features N×F."""
    mean, deviation = (of(axis=0, dtype=np.float64) for of in (values.mean, values.std))
    return Standard(mean, np.maximum(deviation, LEAST_SCALE))
