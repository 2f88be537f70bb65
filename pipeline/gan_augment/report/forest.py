"""Forest plots: differences with their intervals on one scale, a line each."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
"""Points between two ticks."""
MOST_TICKS = 7
EDGE = 3.0
"""Share of the width that stays free on either side, per cent."""


class Mark(NamedTuple):
    """Where a difference stands: per cent of the width, from the left."""

    mean: float
    low: float
    high: float


class Tick(NamedTuple):
    """A tick in points, and where it stands."""

    points: float
    at: float


class Scale(NamedTuple):
    """A scale of points, whole ticks from end to end."""

    first: float
    last: float
    step: float

    def at(self, share: float) -> float:
        """Return where a difference of shares (0–1) stands, per cent of the width."""
        whole = (100 * share - self.first) / (self.last - self.first)
        return EDGE + (100 - 2 * EDGE) * whole

    def mark(self, difference: Mapping[str, float]) -> Mark:
        """Return where mean, low and high of a difference stand."""
        return Mark(*(round(self.at(difference[key]), 2) for key in Mark._fields))

    @property
    def ticks(self) -> list[Tick]:
        """All ticks, from left to right."""
        count = round((self.last - self.first) / self.step)
        values = (round(self.first + i * self.step, 6) for i in range(count + 1))
        return [Tick(value, round(self.at(value / 100), 2)) for value in values]


def scale(differences: Iterable[Mapping[str, Any]], min_gain: float = 0.0) -> Scale:
    """Return the scale that holds zero, `min_gain` (points) and all intervals (shares, 0–1)."""
    ends = [100 * difference[key] for difference in differences for key in ("low", "high")]
    low, high = min([0.0, *ends]), max([0.1, min_gain, *ends])
    step = next((s for s in STEPS if (high - low) / s <= MOST_TICKS - 2), STEPS[-1])
    return Scale(math.floor(low / step) * step, math.ceil(high / step) * step, step)
