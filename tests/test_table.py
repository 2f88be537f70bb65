import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gan_augment import table
from gan_augment.errors import UserError

CLASSES = ("cat", "Käfer", "犬")


def rows_of(n: int, split: str = "train", shape: tuple[int, int, int] = (3, 5, 7)) -> pa.Table:
    pixels = np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)
    return table.encode(pixels, np.arange(n) % 3, CLASSES, split=split, origin="real")


def digest(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)),
    )
)
def test_encoding_keeps_every_pixel(pixels: np.ndarray) -> None:
    labels = np.arange(len(pixels)) % 3
    images = table.decode(table.encode(pixels, labels, CLASSES, split="train", origin="real"))
    np.testing.assert_array_equal(images.pixels, pixels)
    np.testing.assert_array_equal(images.labels, labels)
    assert images.classes == CLASSES


def test_round_trip_is_byte_for_byte(tmp_path: Path) -> None:
    table.write(tmp_path / "first", [rows_of(7), rows_of(4, "test")], CLASSES)
    table.write(tmp_path / "second", table.scan(tmp_path / "first"), CLASSES)
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_bytes_do_not_depend_on_how_rows_are_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "ROW_GROUP_ROWS", 4)
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


def test_a_reader_of_one_split_opens_no_other(tmp_path: Path) -> None:
    table.write(tmp_path / "t", [rows_of(5), rows_of(5, "test")], CLASSES)
    (tmp_path / "t" / "test-00000.parquet").write_bytes(b"sealed")
    assert len(table.read(tmp_path / "t", "train")) == 5
    with pytest.raises(UserError, match=r"test-00000\.parquet is not a readable Parquet file"):
        table.read(tmp_path / "t", "test")


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


def test_streaming_yields_what_reading_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "ROW_GROUP_ROWS", 2)
    table.write(tmp_path / "t", [rows_of(5)], CLASSES)
    parts = list(table.stream(tmp_path / "t"))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(
        np.concatenate([part.pixels for part in parts]), table.read(tmp_path / "t").pixels
    )


def test_an_empty_table_is_still_a_table(tmp_path: Path) -> None:
    table.write(tmp_path / "t", [], CLASSES)
    assert len(table.read(tmp_path / "t")) == 0
    assert table.class_names(tmp_path / "t") == CLASSES


def test_a_missing_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no image table at .*dvc repro"):
        table.read(tmp_path)


def test_identity_is_of_pixels_and_shape() -> None:
    image = np.arange(12, dtype=np.uint8)
    hashes = {table.pixel_hash(image.reshape(shape)) for shape in [(1, 3, 4), (1, 4, 3), (3, 2, 2)]}
    assert len(hashes) == 3


def test_hugging_face_datasets_shows_images_and_class_names(
    tmp_path: Path, random_images: Callable[..., table.Images]
) -> None:
    hf = pytest.importorskip("datasets")
    images = random_images(6, 3, (3, 8, 8))
    for split in ("train", "test"):
        rows = table.encode(
            images.pixels, images.labels, images.classes, split=split, origin="real"
        )
        table.write(tmp_path / split, [rows], images.classes)
    files = {split: f"{tmp_path}/{split}/*.parquet" for split in ("train", "test")}
    loaded = hf.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    row = loaded["train"][4]
    assert isinstance(row["image"], Image.Image)
    np.testing.assert_array_equal(np.asarray(row["image"]).transpose(2, 0, 1), images.pixels[4])
    assert loaded["test"].features["label"].names == list(images.classes)
    assert row["label"] == images.labels[4]


def test_pixels_are_stored_as_png(random_images: Callable[..., table.Images]) -> None:
    content = table.png(random_images(1, 1).pixels[0])
    assert Image.open(io.BytesIO(content)).format == "PNG"


@given(hnp.arrays(np.uint8, st.tuples(st.sampled_from([1, 3]), *[st.integers(1, 9)] * 2)))
def test_every_pixel_is_read_back_from_png(image: np.ndarray) -> None:
    content = table.png(image)
    np.testing.assert_array_equal(table.from_png(content), image)
    with Image.open(io.BytesIO(content)) as picture:
        picture.verify()  # checksums of all chunks
        assert picture.mode == ("L" if len(image) == 1 else "RGB")


def test_rows_of_each_class_are_counted_without_their_images(digits: Path) -> None:
    for split in (None, "train", "test"):
        np.testing.assert_array_equal(
            table.counts(digits, split), table.read(digits, split).counts()
        )
