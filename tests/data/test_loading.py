import builtins
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gan_augment import table
from gan_augment.data import Data, load
from gan_augment.errors import UserError
from tests.assembled import MADE
from tests.data.conftest import VERDICT


def test_rows_are_numbered_alike_in_every_form(augmented: Path) -> None:
    for data in (load(augmented), load(augmented, origin="synthetic"), load(augmented, split=None)):
        whole = table.read(augmented, data.split)
        kept = np.full(len(whole), True)
        if data.origin:
            kept = (whole.rows["origin"] == data.origin).to_numpy()
        images, labels = data.numpy()
        np.testing.assert_array_equal(images, whole.pixels[kept][:, 0])
        np.testing.assert_array_equal(labels, whole.labels[kept])
        assert data.frame["id"].tolist() == whole.rows["id"][kept].tolist()
        assert data.frame["class"].tolist() == [whole.classes[label] for label in labels]
        rows = data.datasets()
        assert rows["id"] == data.frame["id"].tolist()
        np.testing.assert_array_equal(np.asarray(rows[len(data) - 1]["image"]), images[-1])
        assert rows.features["label"].names == list(data.classes)


def test_colour_images_are_channels_last(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 7), np.uint8)
    rows = table.encode(pixels, np.arange(4) % 2, ("a", "b"), split="train", origin="real")
    table.write(tmp_path / "colour", [rows], ("a", "b"))
    data = load(tmp_path / "colour")
    np.testing.assert_array_equal(data.numpy().images, pixels.transpose(0, 2, 3, 1))
    assert data.image(2).size == (7, 5)
    assert data.card is None
    assert data.verdict is None
    with pytest.raises(UserError, match=r"no verdict.json"):
        data.torch().sampler()


def test_by_origin(augmented: Path) -> None:
    real, made = load(augmented, synthetic=False), load(augmented, origin="synthetic")
    assert set(real.frame["origin"]) == {"real"}
    assert set(made.frame["origin"]) == {"synthetic"}
    assert len(real) + len(made) == len(load(augmented))
    assert load(augmented, origin="real").frame.equals(real.frame)


def test_what_travels_with_the_table(data: Data, augmented: Path) -> None:
    assert "**Verdict: level.**" in data.card
    verdict = data.verdict
    assert verdict["overall"] == VERDICT["overall"]
    assert verdict["recipes"] == VERDICT["recipes"]
    assert verdict["recipe"]["arm"] == "smote"
    assert verdict["ships"] == {
        "sentence": "Real images, and synthetic ones by smote, as smote.",
        "method": "smote",
        "refusals": [],
    }
    for split in table.SPLITS:
        counted = load(augmented, split=split).counts
        for origin in ("real", "synthetic"):
            told = verdict["counts"][split].get(origin, {})
            assert {k: v for k, v in counted[origin].items() if v} == told


def test_weights_and_soft_labels(augmented: Path, tmp_path: Path) -> None:
    rows = next(table.scan(augmented, "train")).slice(0, 2)
    classes = table.class_names(augmented)
    known = [0.125] * 8 + [0.0, 0.0]
    for name, values in (("weight", [None, 0.25]), ("soft_labels", [None, known])):
        column = rows.schema.names.index(name)
        rows = rows.set_column(column, rows.schema.field(name), [values])
    table.write(tmp_path / "soft", [rows], classes)
    data = load(tmp_path / "soft")
    assert data.weights.tolist() == [1.0, 0.25]
    np.testing.assert_array_equal(data.soft_labels, [np.eye(10)[data.labels[0]], known])


def test_the_other_splits_are_not_opened(augmented: Path, tmp_path: Path) -> None:
    shutil.copytree(augmented, tmp_path / "sealed")
    (tmp_path / "sealed/test-00000.parquet").write_bytes(b"sealed")
    assert len(load(tmp_path / "sealed").numpy().images) == len(load(augmented))
    with pytest.raises(UserError, match=r"test-00000.parquet is not a readable Parquet file"):
        load(tmp_path / "sealed", split="test")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"split": "tset"}, "split = 'tset': did you mean 'test'\\?"),
        ({"origin": "fake"}, "origin = 'fake': allowed: real, synthetic"),
        ({"origin": "synthetic", "synthetic": False}, "leave nothing: drop one of them"),
    ],
)
def test_arguments_that_are_none(
    arguments: dict[str, Any], complaint: str, augmented: Path
) -> None:
    with pytest.raises(UserError, match=complaint):
        load(augmented, **arguments)


def test_places_that_are_no_table(augmented: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"README.md is a file, not a folder"):
        load(augmented / "README.md")
    with pytest.raises(UserError, match="no image table at"):
        load(tmp_path)
    (tmp_path / "part").mkdir()
    shutil.copy(augmented / "train-00000.parquet", tmp_path / "part")
    with pytest.raises(UserError, match="has no split 'test': it has train"):
        load(tmp_path / "part", split="test")


def test_tables_of_others(augmented: Path, tmp_path: Path) -> None:
    shard = tmp_path / "train-00000.parquet"
    rows = next(table.scan(augmented, "train"))
    pq.write_table(rows.drop_columns(["origin"]), shard)
    with pytest.raises(UserError, match="has no column 'origin': not an image table of ours"):
        load(tmp_path)
    pq.write_table(rows.replace_schema_metadata(None), shard)
    with pytest.raises(UserError, match="names no classes: not an image table of ours"):
        load(tmp_path)
    pq.write_table(rows.drop_columns(["weight"]), shard)
    data = load(tmp_path)
    assert len(list(data.torch())) == len(rows)
    with pytest.raises(UserError, match="has no column 'weight'"):
        _ = data.torch().weights


def test_images_of_different_sizes(augmented: Path, tmp_path: Path) -> None:
    classes = table.class_names(augmented)
    larger = table.encode(
        np.zeros((1, 1, 9, 9), np.uint8), np.array([0]), classes, split="train", origin="real"
    )
    table.write(tmp_path / "mixed", [next(table.scan(augmented, "train")), larger], classes)
    data = load(tmp_path / "mixed")
    with pytest.raises(UserError, match="different sizes, 8×8×1 and 9×9×1: use torch"):
        data.numpy()
    assert data.torch(transform=lambda picture: picture.size)[len(data) - 1][0] == (9, 9)


def test_no_rows(augmented: Path) -> None:
    nothing = load(augmented, split="test", origin="synthetic")
    assert len(nothing) == len(nothing.frame) == len(list(nothing.torch())) == 0
    assert list(nothing.torch().sampler()) == []
    with pytest.raises(UserError, match=r"no rows to make arrays of: 0 rows \(0 real, 0 synth"):
        nothing.numpy()


def test_without_the_library_datasets(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "datasets":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'gan-augment\[datasets\]'"):
        data.datasets()


def test_a_verdict_that_is_no_json(augmented: Path, tmp_path: Path) -> None:
    shutil.copytree(augmented, tmp_path / "bad")
    (tmp_path / "bad/verdict.json").write_text("{")
    with pytest.raises(UserError, match=r"verdict.json is not valid JSON"):
        _ = load(tmp_path / "bad").verdict


def test_counts_have_every_class(data: Data) -> None:
    assert data.counts.index.tolist() == list(data.classes)
    assert set(data.counts["synthetic"]) == {0, MADE}
    assert json.loads(data.counts.to_json())["real"]["0"] > 0
