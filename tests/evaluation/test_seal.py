from pathlib import Path

import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.evaluation.seal import open_test
from gan_augment.storage import write_json


@pytest.fixture
def seal(tmp_path: Path, digits: Path) -> Path:
    write_json(tmp_path / "seal.json", {"test": table.table_hash(digits, "test")})
    return tmp_path / "seal.json"


def test_what_was_sealed_is_opened(digits: Path, seal: Path) -> None:
    test = open_test(digits, seal, {"train": table.read(digits, "train")})
    assert set(test.rows["split"]) == {"test"}
    assert len(test) > 300


def test_another_test_split_is_refused(digits: Path, seal: Path) -> None:
    write_json(seal, {"test": table.table_hash(digits, "validation")})
    with pytest.raises(UserError, match="not the one that ingestion sealed.*dvc repro ingest"):
        open_test(digits, seal, {})


def test_other_pixels_under_the_same_ids_are_refused(
    digits: Path, seal: Path, tmp_path: Path
) -> None:
    test = table.read(digits, "test")
    changed = test.pixels.copy()
    changed[0, 0, 0, 0] ^= 1
    rows = table.encode(changed, test.labels, test.classes, split="test", origin="real")
    rows = rows.set_column(rows.schema.get_field_index("id"), "id", [test.rows["id"].tolist()])
    table.write(tmp_path / "other", [rows], test.classes)
    assert table.table_hash(tmp_path / "other", "test") == table.table_hash(digits, "test")
    with pytest.raises(UserError, match="not the one that ingestion sealed.*dvc repro ingest"):
        open_test(tmp_path / "other", seal, {})


def test_a_test_image_in_another_split_is_refused(digits: Path, seal: Path) -> None:
    with pytest.raises(UserError, match="of the test split are in the train split too"):
        open_test(digits, seal, {"train": table.read(digits, "test")})
