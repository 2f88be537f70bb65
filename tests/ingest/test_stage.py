from pathlib import Path

import numpy as np
import pytest

from pipeline import table
from pipeline.errors import UserError
from pipeline.ingest import stage
from pipeline.params import IngestParams, Params


def ingest(target: Path, **values: object) -> table.Images:
    stage.run(IngestParams.model_validate(values), {}, {"real": target})
    return table.read(target)


def test_digits_are_long_tailed_in_train_only(digits: Path) -> None:
    train = table.read(digits, "train").counts()
    assert (train[1::2] == 20).all()
    assert (train[::2] > 100).all()
    for split in ("validation", "test"):
        assert (table.read(digits, split).counts() >= 35).all()


def test_the_same_params_give_the_same_bytes(
    digits: Path, tmp_path: Path, settings: Params
) -> None:
    stage.run(settings.ingest, {}, {"real": tmp_path / "again"})
    for first, second in zip(table.shards(digits), table.shards(tmp_path / "again"), strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_a_folder_becomes_a_table(tmp_path: Path, folder_of_images: Path) -> None:
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.classes == ("digit 0", "digit 1", "digit 2")
    assert images.pixels.shape == (36, 1, 8, 8)
    assert set(images.rows["split"]) == set(table.SPLITS)
    assert images.rows["id"].is_unique


def test_exact_duplicates_share_a_split(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in list(folder_of_images.glob("digit 0/*.png")):
        (source.parent / f"copy-{source.name}").write_bytes(source.read_bytes())
    source = folder_of_images / "digit 0" / "0.png"
    (folder_of_images / "digit 1" / "conflict.png").write_bytes(source.read_bytes())
    rows = ingest(tmp_path / "real", source="folder", path=folder_of_images).rows
    assert rows.groupby("id")["split"].nunique().max() == 1
    assert "13 exact duplicates" in capsys.readouterr().out


def test_trashnet_is_read_whole(
    datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ingest(
        tmp_path / "real", source="folder", path=datasets / "trashnet-150", image_size=32
    )
    assert images.pixels.shape == (2527, 3, 32, 32)
    assert dict(zip(images.classes, images.counts(), strict=True)) == {
        "cardboard": 403,
        "glass": 501,
        "metal": 410,
        "paper": 594,
        "plastic": 482,
        "trash": 137,
    }
    assert "3 exact duplicates, kept in one split each; 3 of them under two labels" in (
        capsys.readouterr().out
    )


def test_grey_among_colour_becomes_colour(tmp_path: Path, folder_of_images: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (8, 8), (200, 10, number)).save(
            folder_of_images / f"digit 1/c{number}.png"
        )
    assert ingest(tmp_path / "r", source="folder", path=folder_of_images).pixels.shape[1] == 3


def test_sizes_that_differ_ask_for_one(tmp_path: Path, folder_of_images: Path) -> None:
    from PIL import Image

    Image.new("L", (9, 8)).save(folder_of_images / "digit 1" / "wide.png")
    with pytest.raises(UserError, match="2 different sizes .*8×8.* set ingest.image_size"):
        ingest(tmp_path / "real", source="folder", path=folder_of_images)


def test_scarcity_of_a_class_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ingest\.scarcity\.ten: no such class"):
        ingest(tmp_path / "real", scarcity={"ten": 3})


def test_scarcity_caps_training_images_only(tmp_path: Path) -> None:
    images = ingest(tmp_path / "real", scarcity={"4": 5})
    here = images.rows[images.labels == 4]["split"].value_counts()
    assert here["train"] == 5
    assert here["test"] > 30
    assert np.array_equal(images.rows["origin"].unique(), ["real"])
