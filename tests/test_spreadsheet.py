import pandas as pd
import pytest

from gan_augment.spreadsheet import defused


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ('=cmd|"/C calc"!A0', '\'=cmd|"/C calc"!A0'),
        ("+1+1", "'+1+1"),
        ("-1-1", "'-1-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("-1", "-1"),
        ("+2.5", "+2.5"),
        ("a=1", "a=1"),
        ("", ""),
        (-3, -3),
        (None, None),
    ],
)
def test_what_a_spreadsheet_would_run_is_text(cell: object, written: object) -> None:
    frame = pd.DataFrame({"file": pd.Series([cell, "x"], dtype=object), "n": [-1, 2]})
    found = defused(frame)
    assert found["file"].tolist() == [written, "x"]
    assert found["n"].tolist() == [-1, 2]
    assert frame["file"].tolist() == [cell, "x"]


def test_what_is_missing_makes_no_floats() -> None:
    frame = pd.DataFrame({"seed": pd.Series([1, None], dtype=object)})
    assert defused(frame).to_csv(index=False) == 'seed\n1\n""\n'
