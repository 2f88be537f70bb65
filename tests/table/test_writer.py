from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from tests.table.samples import CLASSES, digest, rows_of


def test_round_trip_is_byte_for_byte(tmp_path: Path) -> None:
    table.write(tmp_path / "first", [rows_of(7), rows_of(4, "test")], CLASSES)
    table.write(tmp_path / "second", table.scan(tmp_path / "first"), CLASSES)
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_bytes_do_not_depend_on_how_rows_are_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_augment.table.writer.ROW_GROUP_ROWS", 4)
    rows = rows_of(23)
    for name, size in (("whole", 23), ("pieces", 3)):
        with table.Writer(tmp_path / name, CLASSES, shard_rows=10) as writer:
            for start in range(0, 23, size):
                writer.append(rows.slice(start, size))
    assert digest(tmp_path / "whole") == digest(tmp_path / "pieces")
    assert [f.name for f in table.shards(tmp_path / "whole")] == [
        f"train-{i:05d}.parquet" for i in range(3)
    ]
    np.testing.assert_array_equal(table.read(tmp_path / "whole").pixels, table.decode(rows).pixels)


def test_a_failed_writer_leaves_the_old_table(tmp_path: Path) -> None:
    table.write(tmp_path / "t", [rows_of(5)], CLASSES)
    before = digest(tmp_path / "t")

    def chunks():  # type: ignore[no-untyped-def]
        yield rows_of(3)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        table.write(tmp_path / "t", chunks(), CLASSES)
    assert digest(tmp_path / "t") == before
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_an_empty_table_is_still_a_table(tmp_path: Path) -> None:
    table.write(tmp_path / "t", [], CLASSES)
    assert len(table.read(tmp_path / "t")) == 0
    assert table.class_names(tmp_path / "t") == CLASSES
