from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from gan_augment import table
from tests.table.samples import CLASSES


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


def test_selected_rows_keep_all_that_is_known_of_them() -> None:
    space = table.FeatureSpace("resnet18", "0" * 16, 2, (8, 8))
    values, labels = np.arange(8, dtype=np.float32).reshape(4, 2), np.array([0, 1, 2, 1])
    images = table.decode(
        table.encode(values, labels, CLASSES, split="train", origin="real", space=space)
    )
    for rows in (np.array([3, 1, 1]), labels == 1):
        found = images.select(rows)
        np.testing.assert_array_equal(found.pixels, values[rows])
        np.testing.assert_array_equal(found.labels, [1] * len(found))
        assert found.rows.index.tolist() == [*range(len(found))]
        assert found.rows["id"].tolist() == images.rows["id"][rows].tolist()
        assert (found.classes, found.space) == (CLASSES, space)


def test_a_fair_sample_keeps_shares_and_every_class(
    random_images: Callable[..., table.Images],
) -> None:
    images = random_images(90, 3)
    assert images.at_most(90, 0) is images
    few = images.at_most(30, 0)
    assert few.counts().tolist() == [10, 10, 10]
    known = {image.tobytes(): row for row, image in enumerate(images.pixels)}
    rows = [known[image.tobytes()] for image in few.pixels]
    assert rows == sorted(set(rows))
    assert few.rows["id"].tolist() == images.rows["id"].iloc[rows].tolist()
    assert images.at_most(2, 0).counts().tolist() == [1, 1, 1]
