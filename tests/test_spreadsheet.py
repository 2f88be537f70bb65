from pathlib import Path

import pandas as pd
import pytest

from gan_augment import spreadsheet
from gan_augment.errors import UserError

CELLS = [
    ('=cmd|"/C calc"!A0', '\'=cmd|"/C calc"!A0'),
    ("+1+1", "'+1+1"),
    ("-1-1", "'-1-1"),
    ("@SUM(1)", "'@SUM(1)"),
    ("\t=1", "'\t=1"),
    ("'=1", "''=1"),
    ("''@", "'" * 3 + "@"),
    ("'a", "'a"),
    ("'", "'"),
    ("-1", "-1"),
    ("+2.5", "+2.5"),
    ("a=1", "a=1"),
    ("NA", "NA"),
]


@pytest.mark.parametrize(("cell", "written"), CELLS)
def test_what_a_spreadsheet_would_run_is_text_and_read_back(
    tmp_path: Path, cell: str, written: str
) -> None:
    frame = pd.DataFrame({"file": [cell, "x"], "n": [-1, 2]})
    spreadsheet.write(tmp_path / "t.csv", frame)
    raw = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert raw["file"].tolist() == [written, "x"]
    assert raw["n"].tolist() == ["-1", "2"]
    found = spreadsheet.read(tmp_path / "t.csv", ["file"])
    assert found["file"].tolist() == [cell, "x"]
    assert found["n"].tolist() == [-1, 2]


def test_what_is_missing_is_blank_and_makes_no_floats(tmp_path: Path) -> None:
    frame = pd.DataFrame({"seed": pd.Series([1, None], dtype=object), "x": [0.1, 2 / 3]})
    spreadsheet.write(tmp_path / "t.csv", frame)
    assert (tmp_path / "t.csv").read_text() == "seed,x\n1,0.1\n,0.6666666666666666\n"
    spreadsheet.write(tmp_path / "t.csv", frame, decimals=2)
    assert (tmp_path / "t.csv").read_text() == "seed,x\n1,0.10\n,0.67\n"
    assert spreadsheet.read(tmp_path / "t.csv")["seed"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2", "is cut off"),
        (b"", "is cut off"),
        (b"\n", "no readable table"),
        (b"a,b\n1,\xff\n", "no readable table"),
        (b"a,b\n1,2,3,4\n1\n5,6,7,8,9,0\n", "no readable table"),
    ],
)
def test_a_damaged_table_is_one_message(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=said):
        spreadsheet.read(tmp_path / "t.csv")


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing: run `dvc repro`"):
        spreadsheet.read(tmp_path / "t.csv")
