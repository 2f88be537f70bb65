"""Tables as CSV: a spreadsheet runs no cell of them, and they are read back as they were."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gan_augment.errors import UserError, reason

RUNS = re.compile("'*[=+\\-@\t\r]")
"""How a text begins that a spreadsheet would run (CWE-1236), apostrophes before it aside."""


def write(target: Path, frame: pd.DataFrame, decimals: int | None = None) -> None:
    """Write a table with an apostrophe before each text that a spreadsheet would run.

    Numbers, and texts that are numbers, stay as they are; what is unknown is blank. Floats are
    written in full, or with so many decimals.
    """
    form = None if decimals is None else f"%.{decimals}f"
    _mapped(frame, _defused).to_csv(target, index=False, lineterminator="\n", float_format=form)


def read(path: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write` has written; blanks are NaN.

    Args:
        path: the file.
        text: columns that are texts whatever they look like, such as names.

    Raises:
        UserError: it is missing, cut off or no such table.
    """
    advice = "run `dvc repro`"
    try:
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            raise UserError(f"{path} is cut off: {advice}")
        kinds = dict.fromkeys(text, str)
        frame = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise UserError(f"{path} is missing: {advice}") from None
    except ValueError as error:  # of pandas', and of what is no text
        raise UserError(f"{path} is no readable table ({reason(error)}): {advice}") from None
    return _mapped(frame, _as_it_was)


def _mapped(frame: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    """Return a table whose cells of text are changed."""
    texts = frame.select_dtypes(["object", "string"]).columns
    return frame.assign(
        **{name: pd.Series(map(change, frame[name]), frame.index, dtype=object) for name in texts}
    )


def _defused(cell: Any) -> Any:
    runs = isinstance(cell, str) and RUNS.match(cell) and not _is_number(cell)
    return f"'{cell}" if runs else cell


def _as_it_was(cell: Any) -> Any:
    defused = isinstance(cell, str) and cell.startswith("'") and RUNS.match(cell)
    return cell[1:] if defused else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
