"""Images that are decoded once into a file look as if they had been read."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_augment import mapped, table
from gan_augment.errors import UserError
from tests.faults import read_only

IDS = [f"{number:016x}" for number in range(30)]
"""Images that features are of, whichever these are."""


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "MAPPED_FROM", 0)
    monkeypatch.setattr(mapped, "BLOCK_ROWS", 100)


def written(path: Path, pixels: np.ndarray) -> Path:
    labels = np.arange(len(pixels)) % 2
    rows = table.encode(pixels, labels, ("a", "b"), split="train", origin="real")
    table.write(path, [rows], ("a", "b"))
    return path


def noise(count: int, seed: int = 0, side: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, side, side), np.uint8)


def test_they_are_as_read(digits: Path, tmp_path: Path) -> None:
    found, wanted = mapped.read(digits, "train", tmp_path / "x"), table.read(digits, "train")
    assert isinstance(found.pixels, np.memmap)
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert found.classes == wanted.classes
    pd.testing.assert_frame_equal(found.rows, wanted.rows)


def embedded(path: Path, features: np.ndarray, weights: str = "0" * 16) -> Path:
    space = table.FeatureSpace("made-up", weights, features.shape[1], (8, 8))
    labels = np.arange(len(features)) % 2
    rows = table.encode(
        features,
        labels,
        ("a", "b"),
        split="train",
        origin="real",
        space=space,
        id=IDS[: len(labels)],
    )
    with table.Writer(path, ("a", "b"), space=space) as writer:
        writer.append(rows)
    return path


def test_features_are_as_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_augment.table.writer.ROW_GROUP_ROWS", 7)
    features = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    path = embedded(tmp_path / "features", features)
    found, wanted = mapped.read(path, "train", tmp_path / "x"), table.read(path, "train")
    assert isinstance(found.pixels, np.memmap)
    np.testing.assert_array_equal(found.pixels, features)
    assert found.space == wanted.space
    pd.testing.assert_frame_equal(found.rows, wanted.rows)


def test_the_file_is_as_numpy_writes_it(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    mapped.read(embedded(tmp_path / "features", features), "train", tmp_path / "x")
    np.save(tmp_path / "whole.npy", features)
    (file,) = (tmp_path / mapped.FOLDER).glob("*.npy")
    assert file.read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_a_disk_that_fills_up_is_one_message(tmp_path: Path) -> None:
    if not read_only.mounts():
        pytest.skip("this user may not mount")
    embedded(tmp_path / "features", np.ones((30, 5000), np.float32))
    (tmp_path / "disk").mkdir()
    child = read_only.FRESH.Process(target=_fill, args=(tmp_path,))
    child.start()
    child.join()
    assert child.exitcode == 0
    said = (tmp_path / "said").read_text()
    assert said.startswith(f"cannot write {tmp_path}/disk/pixels/train-features-")
    assert "No space left on device" in said
    assert said.endswith("left: lock")


def _fill(folder: Path) -> None:
    """Map features into a disk that has room for a part of them, and note what is said of it."""
    disk = folder / "disk"
    read_only.own_mounts()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    mapped.MAPPED_FROM = 0
    with pytest.raises(UserError) as told:
        mapped.read(folder / "features", "train", disk / "x")
    left = " ".join(path.name for path in (disk / mapped.FOLDER).iterdir())
    (folder / "said").write_text(f"{told.value}; left: {left}")


def test_images_and_the_features_of_several_backbones_are_told_apart(tmp_path: Path) -> None:
    images = mapped.read(written(tmp_path / "real", noise(4)), "train", tmp_path / "x")
    seen = []
    for number in (1, 2):
        values = np.full((4, 5), number, np.float32)
        path = embedded(tmp_path / "features", values, f"{number:016}")
        seen.append(mapped.read(path, "train", tmp_path / "x").pixels[0, 0])
    assert seen == [1, 2]
    again = mapped.read(tmp_path / "real", "train", tmp_path / "x")
    np.testing.assert_array_equal(again.pixels, images.pixels)
    assert len(list((tmp_path / mapped.FOLDER).glob("*.npy"))) == 2


def test_other_features_of_the_same_images_take_the_place_of_the_first(tmp_path: Path) -> None:
    for number in (1, 2):
        path = embedded(tmp_path / "features", np.full((4, 5), number, np.float32))
        assert mapped.read(path, "train", tmp_path / "x").pixels[0, 0] == number
    assert len(list((tmp_path / mapped.FOLDER).glob("*.npy"))) == 1


def test_they_are_decoded_once_for_all_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = written(tmp_path / "real", noise(250))
    first = mapped.read(real, "train", tmp_path / "scratch" / "train")
    monkeypatch.delattr(mapped, "_write")
    again = mapped.read(real, "train", tmp_path / "scratch" / "generate")
    np.testing.assert_array_equal(first.pixels, again.pixels)


def test_another_table_takes_the_place_of_the_first(tmp_path: Path) -> None:
    for seed in (0, 1):
        pixels = noise(30, seed)
        found = mapped.read(written(tmp_path / "real", pixels), "train", tmp_path / "x")
        np.testing.assert_array_equal(found.pixels, pixels)
        assert len(list((tmp_path / mapped.FOLDER).glob("*.npy"))) == 1


def test_images_of_several_sizes_are_refused(tmp_path: Path) -> None:
    parts = [
        table.encode(noise(2, side=side), np.arange(2), ("a", "b"), split="train", origin="real")
        for side in (6, 7)
    ]
    table.write(tmp_path / "real", parts, ("a", "b"))
    with pytest.raises(UserError, match="images of different sizes"):
        mapped.read(tmp_path / "real", "train", tmp_path / "x")
    assert not list((tmp_path / mapped.FOLDER).glob("*.npy"))


def test_small_sets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "MAPPED_FROM", 2 * 108 + 1)
    found = mapped.read(written(tmp_path / "real", noise(2)), "train", tmp_path / "x")
    assert not isinstance(found.pixels, np.memmap)
    assert not (tmp_path / mapped.FOLDER).exists()
