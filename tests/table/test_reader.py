from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.table import shard
from tests.table.samples import CLASSES, rows_of


def test_a_reader_of_one_split_opens_no_other(tmp_path: Path) -> None:
    table.write(tmp_path / "t", [rows_of(5), rows_of(5, "test")], CLASSES)
    (tmp_path / "t" / "test-00000.parquet").write_bytes(b"sealed")
    assert len(table.read(tmp_path / "t", "train")) == 5
    with pytest.raises(UserError, match=r"test-00000\.parquet is not a readable Parquet file"):
        table.read(tmp_path / "t", "test")


def test_streaming_yields_what_reading_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_augment.table.writer.ROW_GROUP_ROWS", 2)
    table.write(tmp_path / "t", [rows_of(5)], CLASSES)
    parts = list(table.stream(tmp_path / "t"))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(
        np.concatenate([part.pixels for part in parts]), table.read(tmp_path / "t").pixels
    )


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no image table at .*dvc repro"):
        table.read(tmp_path)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_file_that_is_lost_between_others_is_told(tmp_path: Path, lost: int) -> None:
    with table.Writer(tmp_path / "t", CLASSES, shard_rows=2) as writer:
        writer.append(rows_of(5))
        writer.append(rows_of(2, "test"))
    (tmp_path / "t" / f"train-0000{lost}.parquet").unlink()
    with pytest.raises(UserError, match=rf"/t lacks train-0000{lost}\.parquet: get the"):
        table.shards(tmp_path / "t")
    assert len(table.read(tmp_path / "t", "test")) == 2


def test_a_shard_that_a_machine_lacks_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train-00000.parquet is not on .*: run the stage that"):
        shard.schema(tmp_path / "train-00000.parquet")


def test_rows_of_each_class_are_counted_without_their_images(digits: Path) -> None:
    for split in (None, "train", "test"):
        np.testing.assert_array_equal(
            table.counts(digits, split), table.read(digits, split).counts()
        )
