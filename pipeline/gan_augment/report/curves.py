"""Curves of the training, scaled to a drawing of 100 × 100 units that the page stretches."""

from typing import NamedTuple

import pandas as pd

SIZE = 100.0


class Curves(NamedTuple):
    """Some columns of a history, on one scale.

    Attributes:
        title: what they are.
        lines: points of a polyline by name.
        low, high: values at the bottom and at the top.
        steps: the last step, at the right.
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

    Args:
        frame: a row a step, with a column `step`.
        columns: which to draw.
        title: what they are.
        kept: the step whose generator was kept.
    """
    there = [name for name in columns if name in frame and frame[name].notna().any()]
    if not there:
        return None
    low, high = float(frame[there].min().min()), float(frame[there].max().max())
    steps = int(frame["step"].max())
    lines = {}
    for name in there:
        known = frame[["step", name]].dropna()
        x = known["step"] / steps * SIZE
        y = (high - known[name]) / max(high - low, 1e-9) * SIZE
        lines[columns[name]] = " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))
    at = round(SIZE * kept / steps, 2) if kept is not None and kept <= steps else None
    return Curves(title, lines, low, high, steps, at)
