"""Curves of the training, scaled to a drawing of 100 × 100 units that the page stretches."""

from typing import NamedTuple

import numpy as np
import pandas as pd

SIZE = 100.0


class Curves(NamedTuple):
    """Some columns of a history, on one scale.

    Attributes:
        title: what they are.
        lines: points of a polyline by name.
        low, high: values at the bottom and at the top.
        steps: the last step, at the right; 1 if there is only the start.
        kept: where the step stands whose generator was kept, from the left; None if unknown.
    """

    title: str
    lines: dict[str, str]
    low: float
    high: float
    steps: int
    kept: float | None


def curves(
    frame: pd.DataFrame, columns: dict[str, str], title: str, kept: int | None = None
) -> Curves | None:
    """Return the curves of columns (name in the frame: name on the page) that hold any number.

    What is not finite, as of training that diverged, is not drawn.

    Args:
        frame: a row a step, with a column `step`.
        columns: which to draw.
        title: what they are.
        kept: the step whose generator was kept.
    """
    numbers = frame.reindex(columns=list(columns)).astype(float)
    numbers = numbers.where(np.isfinite(numbers)).dropna(axis="columns", how="all")
    if numbers.empty:
        return None
    low, high = float(numbers.min().min()), float(numbers.max().max())
    steps = max(int(frame["step"].max()), 1)
    lines = {}
    for name in map(str, numbers):
        known = numbers[name].dropna()
        x = frame["step"][known.index] / steps * SIZE
        y = (high - known) / max(high - low, 1e-9) * SIZE
        lines[columns[name]] = " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))
    at = round(SIZE * kept / steps, 2) if kept is not None and kept <= steps else None
    return Curves(title, lines, low, high, steps, at)
