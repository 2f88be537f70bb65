import gzip
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, reject
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest import chunks, spool, stage
from gan_augment.ingest.sources.raw import Found, RawImage
from gan_augment.params import IngestParams, Params
from tests.conftest import ROOT


def ingest(target: Path, **values: object) -> table.Images:
    stage.run(
        IngestParams.model_validate(values), {}, {"real": target, "report": target.parent / "found"}
    )
    return table.read(target)


def found(target: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(target.parent / "found" / f"{name}.csv")


def digest(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def test_digits_are_long_tailed_in_train_only(digits: Path) -> None:
    train = table.read(digits, "train").counts()
    assert (train[1::2] == 20).all()
    assert (train[::2] > 100).all()
    for split in ("validation", "test"):
        assert (table.read(digits, split).counts() >= 35).all()


def test_digits_are_what_published_numbers_were_measured_on(digits: Path) -> None:
    assert table.table_hash(digits) == "1072e1eb3084f488"


def test_digits_of_one_writer_follow_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(tmp_path / "real")
    assert (
        "warning: the split may leak: 191 of 1797 images are more like the next"
        in capsys.readouterr().err
    )


def test_the_same_params_give_the_same_bytes(
    digits: Path, tmp_path: Path, settings: Params
) -> None:
    stage.run(settings.ingest, {}, {"real": tmp_path / "again"})
    assert digest(digits) == digest(tmp_path / "again")


def test_a_folder_becomes_a_table(tmp_path: Path, folder_of_images: Path) -> None:
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.classes == ("digit 0", "digit 1", "digit 2")
    assert images.pixels.shape == (36, 1, 8, 8)
    assert set(images.rows["split"]) == set(table.SPLITS)
    assert images.rows["id"].is_unique
    for label, pixels, identity in zip(
        images.labels, images.pixels, images.rows["id"], strict=True
    ):
        assert table.pixel_hash(pixels) == identity
        files = (folder_of_images / f"digit {label}").glob("*.png")
        assert any(np.array_equal(np.asarray(Image.open(file)), pixels[0]) for file in files)


def test_exact_duplicates_share_a_split(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in list(folder_of_images.glob("digit 0/*.png")):
        (source.parent / f"copy-{source.name}").write_bytes(source.read_bytes())
    rows = ingest(tmp_path / "real", source="folder", path=folder_of_images).rows
    assert len(rows) == 48
    assert rows.groupby("id")["split"].nunique().max() == 1
    assert "24 images in 12 clusters, each in one split; 12 are exact" in capsys.readouterr().out
    assert len(found(tmp_path / "real", "clusters")) == 24


@pytest.fixture
def conflict(folder_of_images: Path) -> Path:
    """Return a folder in which an image is in two classes."""
    source = folder_of_images / "digit 0" / "0.png"
    (folder_of_images / "digit 1" / "again.png").write_bytes(source.read_bytes())
    return folder_of_images


@pytest.mark.parametrize(
    ("policy", "left_out"),
    [("drop", ["digit 0/0.png", "digit 1/again.png"]), ("first", ["digit 1/again.png"])],
)
def test_the_same_pixels_in_two_classes(
    tmp_path: Path, conflict: Path, policy: str, left_out: list[str]
) -> None:
    duplicates = {"conflicts": policy}
    images = ingest(tmp_path / "real", source="folder", path=conflict, duplicates=duplicates)
    assert len(images) == 37 - len(left_out)
    quarantine = found(tmp_path / "real", "quarantine")
    assert quarantine["file"].tolist() == left_out
    assert "has the pixels of digit" in quarantine["reason"][0]


def test_conflicts_may_be_errors(tmp_path: Path, conflict: Path) -> None:
    with pytest.raises(UserError, match="2 images have the pixels of another class .*digit 0/0"):
        ingest(tmp_path / "real", source="folder", path=conflict, duplicates={"conflicts": "error"})
    assert not (tmp_path / "real").exists()


def test_duplicates_across_given_splits_leave_the_earlier_one(
    tmp_path: Path, folder_of_images: Path
) -> None:
    image = folder_of_images / "digit 0" / "0.png"
    (image.parent / "copy.png").write_bytes(image.read_bytes())
    (folder_of_images / "a.csv").write_text(
        "file,split\ndigit 0/0.png,train\ndigit 0/copy.png,test\n"
    )
    params = {"source": "folder", "path": folder_of_images, "annotations": "a.csv"}
    images = ingest(tmp_path / "real", **params)
    assert len(images) == 36
    assert found(tmp_path / "real", "quarantine")["file"].tolist() == ["digit 0/0.png"]
    with pytest.raises(UserError, match="1 images duplicate others in a later given split"):
        ingest(tmp_path / "real", **params, duplicates={"leaks": "error"})
    split = {"given": "ignore"}
    assert len(ingest(tmp_path / "real", **params, split=split)) == 37


def test_what_a_group_ties_to_a_later_split_is_left_out_too(
    tmp_path: Path, folder_of_images: Path
) -> None:
    """One sofa: two pictures in train, and a copy of the first in test."""
    one = folder_of_images / "digit 0"
    (one / "copy.png").write_bytes((one / "0.png").read_bytes())
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,train,sofa\ndigit 0/1.png,train,sofa\n"
        "digit 0/copy.png,test,\n"
    )
    params = {"source": "folder", "path": folder_of_images, "annotations": "a.csv"}
    assert len(ingest(tmp_path / "real", **params)) == 35
    quarantine = found(tmp_path / "real", "quarantine")
    assert quarantine["file"].tolist() == ["digit 0/0.png", "digit 0/1.png"]
    assert set(quarantine["reason"]) == {
        "is in an earlier split than what duplicates or groups tie it to, such as digit 0/copy.png "
        "of class 'digit 0'"
    }


def test_a_group_that_is_given_in_two_splits_is_refused(
    tmp_path: Path, folder_of_images: Path
) -> None:
    one = folder_of_images / "digit 0"
    (one / "copy.png").write_bytes((one / "0.png").read_bytes())
    (folder_of_images / "a.csv").write_text(
        "file,split,group\ndigit 0/0.png,train,sofa\ndigit 0/1.png,test,sofa\n"
        "digit 0/copy.png,test,\n"
    )
    params = {"source": "folder", "path": folder_of_images, "annotations": "a.csv"}
    with pytest.raises(UserError, match="group 'sofa' is given in train and in test"):
        ingest(tmp_path / "real", **params)


@pytest.mark.parametrize("seed", range(4))
def test_a_limit_does_not_part_what_a_dropped_image_tied(
    tmp_path: Path, folder_of_images: Path, seed: int
) -> None:
    """Of each three the first has a group with the second, and the third is its copy."""
    sofas, lines = {}, ["file,group"]
    for number in range(12):
        file = folder_of_images / "digit 0" / f"{number}.png"
        sofas[table.pixel_hash(np.asarray(Image.open(file))[None])] = number // 2
        lines.append(f"digit 0/{file.name},sofa {number // 2}")
        if number % 2 == 0:
            (file.parent / f"copy of {file.name}").write_bytes(file.read_bytes())
    (folder_of_images / "a.csv").write_text("\n".join(lines))
    params = {"source": "folder", "path": folder_of_images, "annotations": "a.csv"}
    rows = ingest(tmp_path / "real", **params, limit=12, seed=seed).rows
    sofa = rows["id"].map(sofas).dropna()
    assert len(sofa) == 12
    assert (rows.loc[sofa.index, "split"].groupby(sofa).nunique() == 1).all()


def test_a_group_has_one_name_whatever_a_limit_leaves_out(
    tmp_path: Path, folder_of_images: Path
) -> None:
    """Each even image is in a group of its own, and its copy in that of the next image."""
    lines = ["file,group"]
    for number in range(12):
        file = folder_of_images / "digit 0" / f"{number}.png"
        lines.append(f"digit 0/{file.name},sofa {number:02d}")
        if number % 2 == 0:
            (file.parent / f"copy of {file.name}").write_bytes(file.read_bytes())
            lines.append(f"digit 0/copy of {file.name},sofa {number + 1:02d}")
    (folder_of_images / "a.csv").write_text("\n".join(lines))
    params = {"source": "folder", "path": folder_of_images, "annotations": "a.csv"}
    kept = [ingest(tmp_path / "real", **params, limit=8, seed=seed).rows for seed in range(4)]
    rows = pd.concat(kept)
    assert (rows.groupby("id")["group"].nunique() == 1).all()
    sofas = rows["group"][rows["group"].str.startswith("sofa")]
    assert set(sofas) == {f"sofa {number:02d}" for number in range(0, 12, 2)}


def test_trashnet_has_three_conflicts(
    datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ingest(
        tmp_path / "real", source="folder", path=datasets / "trashnet-150", image_size=32
    )
    assert images.pixels.shape == (2521, 3, 32, 32)
    assert dict(zip(images.classes, images.counts(), strict=True)) == {
        "cardboard": 403,
        "glass": 498,
        "metal": 409,
        "paper": 594,
        "plastic": 480,
        "trash": 137,
    }
    quarantine = found(tmp_path / "real", "quarantine")
    assert set(quarantine["file"]) == {
        "glass/glass115.jpg",
        "metal/metal91.jpg",
        "glass/glass176.jpg",
        "plastic/plastic152.jpg",
        "glass/glass389.jpg",
        "plastic/plastic332.jpg",
    }
    assert quarantine["reason"].str.startswith("has the pixels of").all()
    assert not len(found(tmp_path / "real", "clusters"))
    # Some objects were photographed twice in a row; 12 would be by chance.
    assert len(found(tmp_path / "real", "series")) == 57
    told = "series of one object: few, if any; 57 of 2521 images are more like the next or the last"
    assert told in capsys.readouterr().out


def test_fashion_mnist_keeps_its_published_test_split(
    datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "idx").mkdir()
    for kind in ("train", "t10k"):
        for name, header, size in (("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1)):
            with gzip.open(datasets / "fashion-mnist" / f"{kind}-{name}-ubyte.gz") as file:
                content = bytearray(file.read(header + 2000 * size))
            content[4:8] = (2000).to_bytes(4, "big")
            (tmp_path / "idx" / f"{kind}-{name}-ubyte").write_bytes(content)
    images = ingest(tmp_path / "real", source="idx", path=tmp_path / "idx")
    assert images.pixels.shape[1:] == (1, 28, 28)
    published = images.rows["split"].value_counts()
    assert published["test"] == 2000
    assert published["train"] + published["validation"] >= 1990
    assert abs(published["validation"] - 500) < 20
    clusters = found(tmp_path / "real", "clusters")
    assert clusters.groupby("cluster").size().le(4).all()
    assert "series of one object: none to be seen; " in capsys.readouterr().out


def test_grey_among_colour_becomes_colour(tmp_path: Path, folder_of_images: Path) -> None:
    file = folder_of_images / "digit 1" / "0.png"
    before = np.asarray(Image.open(file))
    Image.open(file).convert("RGB").save(folder_of_images / "digit 1" / "colour.png")
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.pixels.shape == (37, 3, 8, 8)
    same = [(image == before).all() for image in images.pixels]
    assert sum(same) == 2
    assert images.rows["id"].duplicated().sum() == 1
    for pixels, identity in zip(images.pixels, images.rows["id"], strict=True):
        assert table.pixel_hash(pixels) == identity


def test_a_few_of_another_size_leave_the_others_as_they_are(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ingest(tmp_path / "before" / "real", source="folder", path=folder_of_images)
    Image.linear_gradient("L").resize((9, 8)).save(folder_of_images / "digit 1" / "wide.png")
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.pixels.shape == (37, 1, 8, 8)
    assert set(before.rows["id"]) < set(images.rows["id"])
    printed = capsys.readouterr().out
    wanted = (
        "  resized from 8×8 … 9×8 to 8×8 pixels, whole, proportions changed 1.12 times at most\n"
    )
    assert wanted in printed
    assert found(tmp_path / "real", "sizes").to_numpy().tolist() == [
        [8, 8, 36, 1],
        [9, 8, 1, 1.125],
    ]


@pytest.mark.parametrize("many", [False, True])
def test_sizes_of_all_kinds_need_no_setting(
    tmp_path: Path, folder_of_images: Path, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    """The last is the first that differs or is too large, and one does not open."""
    if many:
        monkeypatch.setattr(chunks, "MANY", 1)
        monkeypatch.setattr(chunks, "CHUNK", 7)
    files = sorted(folder_of_images.rglob("*.png"))
    for number, file in enumerate(files):
        Image.open(file).resize((40 + number, 60)).save(file)
    files[0].write_bytes(b"no picture")
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.pixels.shape == (35, 1, 64, 64)
    Image.open(files[-1]).resize((800, 600)).save(files[-1])
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.pixels.shape == (35, 1, 64, 64)


def test_large_images_keep_their_aspect(tmp_path: Path, folder_of_images: Path) -> None:
    for number, file in enumerate(folder_of_images.rglob("*.png")):
        exif = Image.Exif()
        exif[0x0112] = 6  # as phones that are held upright
        picture = Image.open(file).resize((800 + number % 3, 600))
        picture.save(file.with_suffix(".jpg"), exif=exif)
        file.unlink()
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.pixels.shape == (36, 1, 224, 168)
    assert found(tmp_path / "real", "sizes")["width"].unique().tolist() == [600]


@pytest.mark.parametrize(
    ("fit", "cost", "said"),
    [
        ("crop", "cut", "cropped: 50.0% of the pixels cut away, of one image 50.0%"),
        ("pad", "border", "padded: 50.0% of what is stored is border, of one image 50.0%"),
        ("stretch", "stretched", "whole, proportions changed 2.00 times at most"),
    ],
)
def test_what_another_aspect_costs_is_told(
    tmp_path: Path,
    folder_of_images: Path,
    capsys: pytest.CaptureFixture[str],
    fit: str,
    cost: str,
    said: str,
) -> None:
    for file in folder_of_images.rglob("*.png"):
        Image.open(file).resize((32, 16)).save(file)
    ingest(tmp_path / "real", source="folder", path=folder_of_images, image_size=8, fit=fit)
    printed = capsys.readouterr()
    assert f"  resized from 32×16 to 8×8 pixels, {said}\n" in printed.out
    assert table.fit(tmp_path / "real") == fit
    sizes = found(tmp_path / "real", "sizes")
    assert sizes.columns.tolist() == ["width", "height", "images", cost]
    assert sizes.to_numpy().tolist() == [[32, 16, 36, 2 if fit == "stretch" else 0.5]]
    warned = {"crop": "50.0% of the pixels were cut away", "stretch": "100% of the images were str"}
    assert (warned.get(fit, "warning") in printed.err) == (fit != "pad")


def test_a_defect_at_the_edge_is_not_cut_away(tmp_path: Path) -> None:
    """Of two classes that differ at the edge alone, both are there by default."""
    for number in range(40):
        tile = np.random.default_rng(number).integers(100, 156, (90, 160), np.uint8)
        tile[:, :12] = 255 if number % 2 else 0
        folder = tmp_path / "tiles" / ("whole", "broken")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(tile).resize((1600, 900)).save(folder / f"{number}.jpg")
    images = ingest(tmp_path / "real", source="folder", path=tmp_path / "tiles")
    assert images.pixels.shape == (40, 1, 128, 224)
    edge = images.pixels[:, 0, :, :8].mean(axis=(1, 2))
    broken = images.labels == images.classes.index("broken")
    assert edge[broken].min() > 200
    assert edge[~broken].max() < 50


PHOTOGRAPHS = """
import resource
from pathlib import Path
from gan_augment.ingest import stage
from gan_augment.params import IngestParams

run = lambda **params: stage.run(
    IngestParams(**params), {}, {"real": Path("real"), "report": Path("report")}
)
run(limit=20)  # imports what it needs
pages = int(Path("/proc/self/statm").read_text().split()[0])
room = pages * resource.getpagesize() + 400 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
run(source="folder", path="photographs")
"""


def test_large_photographs_take_little_memory(tmp_path: Path) -> None:
    """64 of 4000×3000 pixels are 2.3 GB; 400 MB beyond the imports must do."""
    (tmp_path / "photographs" / "a").mkdir(parents=True)
    (tmp_path / "photographs" / "b").mkdir()
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)
        photograph = Image.fromarray(noise).resize((4000, 3000), Image.Resampling.NEAREST)
        for again in range(8):
            file = tmp_path / "photographs" / "ab"[number % 2] / f"{number}-{again}.jpg"
            photograph.save(file, quality=70) if not again else file.hardlink_to(
                file.with_name(f"{number}-0.jpg")
            )
    with run(tmp_path, PHOTOGRAPHS) as process:
        printed = process.communicate()[0]
    assert process.returncode == 0, printed
    assert "ingest: 64 images, 224×168 pixels, RGB\n" in printed


def test_what_fails_a_check_is_quarantined(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder_of_images / "digit 1" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    Image.new("L", (8, 8)).save(folder_of_images / "digit 2" / "4.png")
    params = {"source": "folder", "path": folder_of_images}
    with pytest.raises(UserError, match=r"2 of 36 images fail .*max_rejected = 0.05: digit 1/3"):
        ingest(tmp_path / "real", **params)
    assert not (tmp_path / "real").exists()
    images = ingest(tmp_path / "real", **params, max_rejected=0.1)
    assert len(images) == 34
    quarantine = found(tmp_path / "real", "quarantine")
    assert quarantine["file"].tolist() == ["digit 1/3.png", "digit 2/4.png"]
    assert quarantine["class"].tolist() == ["digit 1", "digit 2"]
    assert "has one colour only" in quarantine["reason"][1]
    assert "digit 2/4.png has one colour only" in capsys.readouterr().out


def test_a_class_of_which_nothing_is_left(tmp_path: Path, folder_of_images: Path) -> None:
    for file in (folder_of_images / "digit 1").iterdir():
        file.write_bytes(b"")
    with pytest.raises(UserError, match="class 'digit 1': every image fails a check: digit 1/0"):
        ingest(tmp_path / "real", source="folder", path=folder_of_images, max_rejected=1)


def test_notes_are_summed_up(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in list((folder_of_images / "digit 1").iterdir())[:3]:
        Image.open(file).convert("P").save(file)
    ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert "  palette: 3\n" in capsys.readouterr().out


def deepen(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Save all images of a folder anew, as 16-bit ones."""
    for file in folder.rglob("*.png"):
        Image.fromarray(change(np.asarray(Image.open(file)).astype(np.uint16))).save(file)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_sixteen_bit_images_are_scaled_by_what_the_set_uses(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str], bits: int
) -> None:
    shallow = ingest(tmp_path / "8" / "real", source="folder", path=folder_of_images)
    most = 2**bits - 1
    deepen(folder_of_images, lambda pixels: (pixels * (most / 255)).round().astype(np.uint16))
    capsys.readouterr()
    deep = ingest(tmp_path / "16" / "real", source="folder", path=folder_of_images)
    np.testing.assert_array_equal(deep.pixels, shallow.pixels)
    printed = capsys.readouterr()
    assert f"  16-bit: 36, of which {bits} bits are in use: 0…{most} became 0…255\n" in printed.out
    assert "warning" not in printed.err
    assert table.bits(tmp_path / "16" / "real") == bits
    assert table.bits(tmp_path / "8" / "real") is None


def test_one_bright_pixel_leaves_few_levels_to_the_others_and_the_run_says_so(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deepen(folder_of_images, lambda pixels: pixels * 16)
    file = folder_of_images / "digit 0" / "0.png"
    broken = np.array(Image.open(file))
    broken[0, 0] = 65535
    Image.fromarray(broken).save(file)
    ingest(tmp_path / "real", source="folder", path=folder_of_images)
    doubt = (
        "half of the 36 16-bit images need at most 12 of the 16 bits that the brightest need, and "
        "keep 16 of 256 levels or fewer"
    )
    assert f"warning: {doubt}" in capsys.readouterr().err
    assert found(tmp_path / "real", "doubts")["doubt"][0].startswith(doubt)


def test_maps_of_labels_are_told_from_pictures(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in folder_of_images.rglob("*.png"):
        Image.fromarray(np.asarray(Image.open(file)) // 64).save(file)
    ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert "all images use only the grey levels 0 to 3 of 0 to 255" in capsys.readouterr().err


def test_a_limit_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = ingest(tmp_path / "real", limit=50)
    assert images.counts().tolist() == [50] * 10
    assert (images.rows["split"] == "train").sum() == 300
    assert "  not used: 1,297 (ingest.limit = 50)\n" in capsys.readouterr().out
    skipped = found(tmp_path / "real", "skipped")
    assert skipped.to_numpy().tolist() == [[1297, "not used (ingest.limit = 50)", "digits/0001"]]


def test_scarcity_of_a_class_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ingest\.scarcity\.ten: no such class"):
        ingest(tmp_path / "real", scarcity={"ten": 3})


def test_settings_that_do_not_fit_are_refused_before_images_are_decoded(
    tmp_path: Path, folder_of_images: Path
) -> None:
    for file in folder_of_images.rglob("*.png"):
        file.write_bytes(b"rubbish")
    with pytest.raises(
        UserError, match=r"scarcity\.digit_1: no such class; did you mean 'digit 1'"
    ):
        ingest(tmp_path / "real", source="folder", path=folder_of_images, scarcity={"digit_1": 3})
    for label in (1, 2):
        shutil.rmtree(folder_of_images / f"digit {label}")
    with pytest.raises(
        UserError, match="only the class 'digit 0': a classifier needs at least two"
    ):
        ingest(tmp_path / "real", source="folder", path=folder_of_images)


def test_numbered_classes_are_in_the_order_of_their_numbers(
    tmp_path: Path, folder_of_images: Path
) -> None:
    for label, name in enumerate(["10", "2", "1"]):
        (folder_of_images / f"digit {label}").rename(folder_of_images / name)
        for number in range(label):
            (folder_of_images / name / f"{number}.png").unlink()
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images)
    assert images.classes == ("1", "2", "10")
    assert images.counts().tolist() == [10, 11, 12]


def test_what_was_understood_and_left_aside_is_told_and_reported(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, files in (("Training", "1*.png"), ("Testing", "[2-9].png")):
        for file in folder_of_images.glob(f"*/{files}"):
            target = tmp_path / "set" / split / file.parent.name
            target.mkdir(parents=True, exist_ok=True)
            file.rename(target / file.name)
    (tmp_path / "set" / "Training" / "digit 1" / "raw.cr2").touch()
    (tmp_path / "set" / "Training" / "digit 1" / ".DS_Store").touch()
    images = ingest(tmp_path / "real", source="folder", path=tmp_path / "set")
    assert (images.rows["split"] == "test").sum() == 24
    printed = capsys.readouterr()
    assert "  published splits: train from Training; test from Testing\n" in printed.out
    assert (
        "  not read: 1 × hidden, or left by a system, such as Training/digit 1/.DS_S" in printed.out
    )
    doubt = "1 image is in a format that is not read, such as Training/digit 1/raw.cr2: .cr2: devel"
    assert f"warning: {doubt}" in printed.err
    assert sorted(found(tmp_path / "real", "skipped")["first"]) == [
        "Training/digit 1/.DS_Store",
        "Training/digit 1/raw.cr2",
    ]
    assert found(tmp_path / "real", "doubts")["doubt"][0].startswith(doubt)


def test_years_that_may_be_no_classes_are_doubted(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for year in ("2023", "2024"):
        files = sorted(folder_of_images.glob("digit [01]/?.png"))[year == "2024" :: 2]
        for file in files:
            target = tmp_path / "set" / year / file.parent.name
            target.mkdir(parents=True, exist_ok=True)
            file.rename(target / file.name)
    ingest(tmp_path / "real", source="folder", path=tmp_path / "set")
    doubt = "classes are 2023, 2024, the outer folders, and not digit 0, digit 1 in them: if they"
    assert f"warning: {doubt}" in capsys.readouterr().err
    assert found(tmp_path / "real", "doubts")["doubt"][0].startswith(doubt)


def test_scarcity_caps_training_images_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ingest(tmp_path / "real", scarcity={"4": 5})
    unused = 1797 - len(images)
    assert f"  not used: {unused} (ingest.scarcity)\n" in capsys.readouterr().out
    assert found(tmp_path / "real", "skipped")["files"].tolist() == [unused]
    here = images.rows[images.labels == 4]["split"].value_counts()
    assert here["train"] == 5
    assert here["test"] > 30
    assert np.array_equal(images.rows["origin"].unique(), ["real"])


def test_a_group_setting_that_finds_nothing_ends_the_run(
    tmp_path: Path, folder_of_images: Path
) -> None:
    params = {"source": "folder", "path": folder_of_images, "group": {"pattern": r"^(\d+)"}}
    with pytest.raises(UserError, match=r"the pattern '\^\(\\d\+\)' groups no image; .*'digit 0/0"):
        ingest(tmp_path / "real", **params)


def test_a_class_with_few_groups_is_warned_of(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        part = folder_of_images / "digit 1" / f"object {number % 2}"
        part.mkdir(exist_ok=True)
        (folder_of_images / "digit 1" / f"{number}.png").rename(part / f"{number}.png")
    images = ingest(tmp_path / "real", source="folder", path=folder_of_images, group="folder")
    assert images.rows[images.labels == 1].groupby("split").size().to_dict() == {
        "test": 6,
        "train": 6,
    }
    printed = capsys.readouterr()
    assert (
        "warning: class 'digit 1' has 2 separable groups of images and none in vali" in printed.err
    )
    assert "  groups: 2, of 12 images; 24 images are in none\n" in printed.out


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    """Return digits as files of which many are copies of others, exact or nearly so."""
    folder = tmp_path_factory.mktemp("photographs")
    images = table.read(digits, "test")
    for label in (0, 1, 2):
        (folder / str(label)).mkdir()
        for number, pixels in enumerate(images.pixels[images.labels == label][:15]):
            picture = table.picture(pixels).resize((32, 32), Image.Resampling.BICUBIC)
            for copy in range(number % 4):
                buffer = io.BytesIO()
                picture.save(buffer, "JPEG", quality=90 - 10 * copy)
                target = folder / str(label) / f"scan{number % 5}-{number}-{copy}.jpg"
                target.write_bytes(buffer.getvalue())
    return folder


@given(
    st.integers(0, 1000),
    st.sampled_from(["given", {"pattern": r"scan\d"}]),
    st.sampled_from(["stratified", "hash"]),
)
@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_group_and_no_cluster_of_duplicates_straddles(
    tmp_path: Path, photographs: Path, seed: int, group: object, way: str
) -> None:
    shutil.rmtree(tmp_path / "real", ignore_errors=True)
    params = {"source": "folder", "path": photographs, "seed": seed, "group": group}
    try:
        images = ingest(tmp_path / "real", **params, split={"assign": way})
    except UserError as error:  # hashes of five groups may leave a split empty
        empty = re.search("no training image|left for validation|test split has", str(error))
        if (way, group) == ("stratified", "given") or not empty:
            raise
        reject()
    clusters = found(tmp_path / "real", "clusters")
    assert clusters["cluster"].nunique() >= 15
    assert (clusters.groupby("cluster")["split"].nunique() == 1).all()
    assert (images.rows.groupby("group")["split"].nunique() == 1).all()
    if group != "given":
        paths = found(tmp_path / "real", "clusters")["file"].str.extract(r"(scan\d)")[0]
        assert (clusters.groupby(paths)["split"].nunique() == 1).all()


def test_processes_give_the_bytes_that_threads_give(
    tmp_path: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"source": "folder", "path": photographs}
    ingest(tmp_path / "threads" / "real", **params)
    monkeypatch.setattr(chunks, "MANY", 1)
    monkeypatch.setattr(chunks, "CHUNK", 7)
    ingest(tmp_path / "processes" / "real", **params)
    assert digest(tmp_path / "threads") == digest(tmp_path / "processes")


def test_the_report(tmp_path: Path) -> None:
    images = ingest(tmp_path / "real", limit=40)
    counts = found(tmp_path / "real", "counts")
    assert counts["images"].sum() == 400
    assert counts.groupby("split")["images"].sum()["train"] == 240
    assert found(tmp_path / "real", "sizes").to_numpy().tolist() == [[8, 8, 400, 1]]
    train = images.pixels[images.rows["split"] == "train"]
    channels = found(tmp_path / "real", "channels").set_index("split").loc["train"]
    assert channels["mean"] == pytest.approx(train.mean(), abs=1e-3)
    assert channels["deviation"] == pytest.approx(train.std(), abs=1e-2)
    sheet = Image.open(tmp_path / "found" / "classes" / "7-7.png")
    assert len(list((tmp_path / "found" / "classes").iterdir())) == 10
    left = sheet.width - 10 * (8 * 7 + 2)  # eight pixels, seven times as large, and a gap
    first = train[images.labels[images.rows["split"] == "train"] == 7][0, 0]
    np.testing.assert_array_equal(np.asarray(sheet)[2:58:7, left : left + 56 : 7], first)


def test_a_sheet_shows_the_whole_class_and_not_its_first_names(tmp_path: Path) -> None:
    """Images that grow brighter with their names, as photographs of a day do."""
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(200):
            noise = draw.integers(0, 50, (8, 8))
            image = Image.fromarray((number + noise).astype(np.uint8))
            image.save(tmp_path / "images" / name / f"{number:03d}.png")
    ingest(tmp_path / "real", source="folder", path=tmp_path / "images", duplicates={"near": None})
    sheet = np.asarray(Image.open(tmp_path / "found" / "classes" / "0-a.png"))
    shown = sheet[30::58, ::-1][:, 30::58][:, :10]  # the middle of each
    assert shown.mean() == pytest.approx(125, abs=40)  # the first 40 have 58


def test_series_of_one_object_are_told_with_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(8):
            seen = rng.integers(0, 256, (8, 8))
            for frame in range(6):
                pixels = np.clip(seen + rng.normal(0, 20, (8, 8)), 0, 255).astype(np.uint8)
                file = tmp_path / "images" / name / f"film{number}_{frame}.png"
                Image.fromarray(pixels).save(file)
    params = {"source": "folder", "path": tmp_path / "images"}
    images = ingest(tmp_path / "real", **params)
    printed = capsys.readouterr()
    evidence = re.search(
        r"warning: the split may leak: (\d+) of 96 images are more like the next or the last by "
        r"name than like any other of their class; (\d+) would be by chance \(p = 0.0005\).* "
        r"(\d+) held-out images have theirs in train, .* ingest.group: \{pattern: '(.*)'\}, "
        r"which makes 16 groups",
        printed.err,
    )
    assert evidence
    pairs = found(tmp_path / "real", "series")
    held_out = pairs[pairs["split"] != "train"]
    assert int(evidence[1]) == len(pairs) > 20
    assert int(evidence[2]) in (3, 4, 5)
    assert int(evidence[3]) == (held_out["neighbour_split"] == "train").sum() > 0
    film = pairs[["file", "neighbour"]].map(lambda name: name.split("_")[0])
    assert (film["file"] == film["neighbour"]).all()

    images = ingest(tmp_path / "real", **params, group={"pattern": evidence[4]})
    assert images.rows["group"].nunique() == 16
    printed = capsys.readouterr()
    assert "  series of one object: none to be seen; " in printed.out
    assert "more like" not in printed.err


def test_each_cluster_in_one_split_does_not_sound_safe_where_series_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(48):
            seen = np.random.default_rng(number // 6).integers(0, 256, (8, 8))
            pixels = np.clip(seen + rng.normal(0, 20, (8, 8)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
        (tmp_path / "images" / name / "copy.png").write_bytes(
            (tmp_path / "images" / name / "0.png").read_bytes()
        )
    ingest(tmp_path / "real", source="folder", path=tmp_path / "images")
    printed = capsys.readouterr()
    assert "warning: the split may leak" in printed.err
    assert "each in one split, as series of one object need not be; 2 are exact" in printed.out


def test_series_are_not_looked_for_without_thumbnails(
    tmp_path: Path, folder_of_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = {"source": "folder", "path": folder_of_images, "duplicates": {"near": None}}
    ingest(tmp_path / "real", **params)
    assert "series of one object: not looked for, since ingest.dup" in capsys.readouterr().out


def test_memory_is_bounded_by_chunks(
    tmp_path: Path, folder_of_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spool and its readers pass on a few images at a time, with the same bytes as all."""
    whole = ingest(tmp_path / "whole" / "real", source="folder", path=folder_of_images)
    monkeypatch.setattr(chunks, "CHUNK", 5)
    monkeypatch.setattr(spool, "GROUP_ROWS", 7)
    pieces = ingest(tmp_path / "pieces" / "real", source="folder", path=folder_of_images)
    assert len(whole) == len(pieces) == 36
    assert digest(tmp_path / "whole") == digest(tmp_path / "pieces")


@pytest.mark.parametrize("form", ["archive", "parquet"])
def test_images_that_hold_memory_are_passed_on_in_smaller_chunks(
    tmp_path: Path, folder_of_images: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    whole = ingest(tmp_path / "whole" / "real", source="folder", path=folder_of_images)
    files = sorted(folder_of_images.rglob("*.png"))
    if form == "archive":
        with tarfile.open(tmp_path / "packed", "w") as archive:
            for file in files:
                archive.add(file, file.relative_to(folder_of_images).as_posix())
    else:
        rows = [(file.read_bytes(), file.parent.name) for file in files]
        pd.DataFrame(rows, columns=["image", "label"]).to_parquet(tmp_path / "packed")
    decode_chunk, held = spool._decode_chunk, []

    def counted(images: list[RawImage], **rest: object) -> object:
        held.append(sum(image.held for image in images[:-1]))
        return decode_chunk(images, **rest)

    monkeypatch.setattr(chunks, "CHUNK_BYTES", 300)
    monkeypatch.setattr(spool, "_decode_chunk", counted)
    pieces = ingest(tmp_path / "pieces" / "real", source=form, path=tmp_path / "packed")
    assert len(held) > 10
    assert max(held) < 300
    assert sorted(pieces.rows["id"]) == sorted(whole.rows["id"])


SCRIPT = """
import sys
from pathlib import Path
from gan_augment.errors import UserError
from gan_augment.ingest import stage
from gan_augment.params import IngestParams

params = IngestParams(source="folder", path="images", image_size=64)
try:
    stage.run(params, {}, {"real": Path("data/real"), "report": Path("reports/ingest")})
except UserError as error:
    sys.exit(f"error: {error}")
"""


@pytest.fixture
def project(tmp_path: Path, folder_of_images: Path) -> Path:
    """Return a folder with large images and an old dataset."""
    for number, file in enumerate(sorted(folder_of_images.rglob("*.png"))):
        noise = np.random.default_rng(number).integers(0, 256, (300, 300), np.uint8)
        Image.fromarray(noise).save(file, compress_level=1)
    (tmp_path / "data" / "real").mkdir(parents=True)
    (tmp_path / "data" / "real" / "old.parquet").write_bytes(b"old")
    return tmp_path


def run(project: Path, script: str = SCRIPT) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=project,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_killed_half_way_the_old_dataset_is_whole(project: Path) -> None:
    with run(project) as process:
        spool_file = project / "data" / ".real.scratch.partial" / "images.parquet"
        while not spool_file.exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert [file.name for file in (project / "data" / "real").iterdir()] == ["old.parquet"]
    assert spool_file.exists()

    with run(project) as process:
        assert process.wait() == 0, process.stdout.read()  # type: ignore[union-attr]
    assert {path.name for path in (project / "data").iterdir()} == {"real"}
    killed = digest(project / "data"), digest(project / "reports")
    for name in ("data", "reports"):
        shutil.rmtree(project / name)
    with run(project) as process:
        assert process.wait() == 0
    assert (digest(project / "data"), digest(project / "reports")) == killed


KILLER = """
import os
import signal
import sys
import time
from pathlib import Path
from gan_augment.ingest import stage
from gan_augment.params import IngestParams

def start():
    if child := os.fork():
        return child
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    params = IngestParams(source="folder", path="images", image_size=64)
    stage.run(params, {}, {"real": Path("data/real"), "report": Path("reports/ingest")})
    os._exit(0)

def finish(child):
    assert os.waitpid(child, 0)[1] == 0

def content():
    return {str(f): f.read_bytes() for f in Path("data/real").rglob("*") if f.is_file()}

def everything():
    return {str(f): f.read_bytes() for d in ("data", "reports") for f in Path(d).rglob("*.*")
            if f.is_file()}

def whole_run():
    began = time.monotonic()
    finish(start())
    return time.monotonic() - began

old = content()
lasts = whole_run()
new, wanted = content(), everything()
assert new != old
killed = 0
for part in range(1, 7):
    child = start()
    time.sleep(lasts * part / 7)
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    # Between two renames the old table lies under its other name, and the next run puts it back.
    assert Path("data/.real.old").exists() or content() == new
    lasts = min(lasts, whole_run())  # the first may have had less of the processor
    assert everything() == wanted
print("killed", killed)
"""


def test_killed_at_any_moment_a_rerun_gives_the_same_bytes(project: Path) -> None:
    """Forked, so that a run costs no imports; the parent has no threads yet."""
    with run(project, KILLER) as process:
        printed = process.communicate()[0]
    assert process.returncode == 0, printed
    assert int(printed.split("killed ")[1]) >= 3


FULL = """
import resource
from gan_augment.ingest import report, stage
from gan_augment import table

steps = {"spool": (stage, "spool"), "table": (table, "write"), "report": (report, "write")}
owner, name = steps[STEP]
write = getattr(owner, name)

def on_a_full_disk(*arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))
    return write(*arguments)

setattr(owner, name, on_a_full_disk)
"""


@pytest.mark.parametrize(
    ("step", "room"),
    [("spool", 100), ("spool", 60_000), ("table", 100), ("table", 20_000), ("report", 20)],
)
def test_a_full_disk_is_one_message(project: Path, step: str, room: int) -> None:
    """A limit on the size of files, set when a step begins, fails its writes as a full disk does.

    The table is in place when the report is written.
    """
    with run(project, f"STEP, ROOM = {step!r}, {room}\n{FULL}\n{SCRIPT}") as process:
        printed = process.communicate()[0]
    assert process.returncode == 1
    assert "Traceback" not in printed
    folder = "reports/ingest" if step == "report" else "data/real"
    assert printed.count(f"error: cannot write {folder}: ") == 1
    assert "File too large" in printed
    assert {path.name for path in (project / "data").iterdir()} == {"real"}
    assert not (project / "reports").exists() or not list((project / "reports").iterdir())
    if step == "report":
        assert len(table.read(project / "data" / "real")) == 36
    else:
        assert [file.name for file in (project / "data" / "real").iterdir()] == ["old.parquet"]


@pytest.mark.parametrize("source", ["folder", "csv"])
def test_a_machine_without_the_images_is_no_set_of_bad_images(
    tmp_path: Path, folder_of_images: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """As where a worker of a cluster lacks what the machine that listed them has."""
    (folder_of_images / "x.csv").write_text(
        "file,label\n"
        + "".join(f"digit {label}/{n}.png,{label}\n" for label in (0, 1) for n in range(12))
    )
    whole = stage.find

    def elsewhere(params: IngestParams) -> Found:
        listed = whole(params)
        images = list(listed.images)
        (folder_of_images / "digit 1" / "7.png").unlink()
        return listed._replace(images=iter(images))

    monkeypatch.setattr(stage, "find", elsewhere)
    with pytest.raises(UserError, match=r"digit 1/7.png was there when .* on .*: each machine"):
        ingest(
            tmp_path / "real",
            source=source,
            path=folder_of_images,
            max_rejected=1,
            **({"files": "x.csv"} if source == "csv" else {}),
        )
    assert not (tmp_path / "real").exists()


def test_a_row_of_a_table_whose_file_never_was_is_left_out(
    tmp_path: Path, folder_of_images: Path
) -> None:
    (folder_of_images / "x.csv").write_text(
        "file,label\nnone.png,0\n"
        + "".join(f"digit {label}/{n}.png,{label}\n" for label in (0, 1) for n in range(12))
    )
    ingest(tmp_path / "real", source="csv", path=folder_of_images, max_rejected=0.5)
    (reason,) = found(tmp_path / "real", "quarantine")["reason"]
    assert reason == "cannot be read: No such file or directory"
