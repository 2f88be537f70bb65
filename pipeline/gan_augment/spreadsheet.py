"""Tables of text for spreadsheets, which run a cell that begins as a formula does."""

from typing import Any

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with an apostrophe before each text that a spreadsheet would run (CWE-1236).

    Numbers, and texts that are numbers, stay as they are.
    """
    texts = frame.select_dtypes(["object", "string"]).columns
    return frame.assign(
        **{name: pd.Series(map(_defused, frame[name]), frame.index, dtype=object) for name in texts}
    )


def _defused(cell: Any) -> Any:
    runs = isinstance(cell, str) and cell.startswith(FORMULA) and not _is_number(cell)
    return f"'{cell}" if runs else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
