"""The stage on small tables: what it looks at, and what it refuses."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.params import AssembleParams, ReportParams
from gan_augment.report import stage
from tests.report.conftest import CLASSES, evaluated, images


@pytest.fixture
def inputs(tmp_path: Path, folders: dict[str, Path]) -> dict[str, Path]:
    """Return what a finished evaluation leaves."""
    real, synthetic = tmp_path / "real", tmp_path / "synthetic"
    write(real, {"train": 12, "validation": 4, "test": 6}, "real")
    write(synthetic, {"train": 8}, "synthetic")
    verdict, repeats = evaluated()
    verdict["provenance"] = {
        "real images": table.table_hash(real),
        "synthetic images": table.table_hash(synthetic),
    }
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    repeats.to_csv(tmp_path / "repeats.csv", index=False)
    return {
        **folders,
        "verdict": tmp_path / "verdict.json",
        "repeats": tmp_path / "repeats.csv",
        "real": real,
        "synthetic": synthetic,
    }


def write(path: Path, splits: dict[str, int], origin: str) -> None:
    """Write so many images of each split as a table."""
    drawn = {split: images(n) for split, n in splits.items()}
    rows = [
        table.encode(some.pixels, some.labels, CLASSES, split=split, origin=origin)
        for split, some in drawn.items()
    ]
    table.write(path, rows, CLASSES)


def report(inputs: dict[str, Path], folder: Path, **params: object) -> str:
    outputs, assemble = {"report": folder / "report.html"}, AssembleParams.model_validate(params)
    stage.run(ReportParams(), inputs, outputs, assemble)
    return (folder / "report.html").read_text()


def test_the_page_says_what_the_verdict_says(inputs: dict[str, Path], tmp_path: Path) -> None:
    page = report(inputs, tmp_path)
    sentence = json.loads(inputs["verdict"].read_text())["overall"]["sentence"]
    assert sentence.split(":")[0] in page
    assert page == report(inputs, tmp_path)


def test_images_of_the_test_split_are_not_opened(inputs: dict[str, Path], tmp_path: Path) -> None:
    before = report(inputs, tmp_path)
    (shard,) = table.shards(inputs["real"], "test")
    rows = pq.read_table(shard)
    sealed = pa.array(
        [{"bytes": b"sealed", "path": None}] * len(rows), rows.schema.field("image").type
    )
    pq.write_table(rows.set_column(rows.schema.names.index("image"), "image", sealed), shard)
    with pytest.raises(UserError, match="is no PNG of ours"):
        table.read(inputs["real"], "test")
    assert report(inputs, tmp_path) == before


def test_what_ships_follows_the_settings(inputs: dict[str, Path], tmp_path: Path) -> None:
    assert "gan is better, but the generator copies" in report(inputs, tmp_path, method="gan")
    smote = report(inputs, tmp_path, method="smote", require="none")
    assert "Real images, and synthetic ones by smote" in smote


def test_a_verdict_on_other_images_is_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    verdict = json.loads(inputs["verdict"].read_text())
    verdict["provenance"]["synthetic images"] = "0" * 16
    inputs["verdict"].write_text(json.dumps(verdict))
    with pytest.raises(UserError, match="about other images than .*synthetic: run `dvc repro`"):
        report(inputs, tmp_path)
    assert not (tmp_path / "report.html").exists()
