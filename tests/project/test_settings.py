"""Which settings suit which images: each as a user would expect of images of that kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_augment.params import EmbedParams, IngestParams, Params
from gan_augment.project.recognise import recognise
from gan_augment.project.settings import between, choose
from gan_augment.project.survey import survey
from tests.project.conftest import Make, numbered

CLASSES = {"cat": 20, "dog": 20}
Chosen = Callable[..., dict[str, Any]]


def chosen(root: Path, backbone: str = "auto", **given: Any) -> dict[str, Any]:
    """Return the settings for what lies at a path; each must be one that params.yaml takes."""
    params = IngestParams.model_validate(recognise(root) | given)
    choices = choose(survey(params), params, EmbedParams(backbone=backbone))
    for key, value, reason in choices:
        assert len(reason) > 10
        *path, last = key.split(".")
        content: dict[str, Any] = {last: value}
        for part in reversed(path):
            content = {part: content}
        Params.model_validate(content)
    return {key: value for key, value, _ in choices}


def reason(root: Path, key: str, **given: Any) -> str:
    """Return why a setting suits what lies at a path."""
    params = IngestParams.model_validate(recognise(root) | given)
    choices = choose(survey(params), params, EmbedParams())
    return {choice.key: choice.reason for choice in choices}[key]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((13, 9), None),
        ((18, 18), None),
        ((22, 22), None),
        ((25, 25), None),  # for the network without maps
        ((26, 26), None),
        ((28, 28), None),
        ((30, 30), None),
        ((32, 32), None),
        ((64, 48), None),
        ((45, 45), None),
        ((150, 150), None),
        ((640, 480), None),
        ((480, 640), None),
        ((640, 560), None),
    ],
)
def test_the_size(pictures: Make, size: tuple[int, int], expected: Any) -> None:
    assert chosen(pictures(numbered(CLASSES), size))["ingest.image_size"] == expected


def test_methods_for_features_where_a_backbone_looks_at_the_images(pictures: Make) -> None:
    large = pictures(numbered(CLASSES), (64, 48))
    assert "gaussian" in chosen(large)["evaluate.arms"]
    assert "evaluate.arms" not in chosen(large, image_size=32)
    assert "gaussian" in chosen(large, image_size=(32, 40))["evaluate.arms"]
    assert "gaussian" in chosen(large, "efficientnet-lite1", image_size=32)["evaluate.arms"]
    without = chosen(large, "none")
    assert "evaluate.arms" not in without
    assert without["ingest.image_size"] == [48, 64]


def test_what_looks_at_the_images_goes_by_the_size_that_is_stored(pictures: Make) -> None:
    """Ingestion stores all at the size of nine in ten."""
    pictures(numbered({"cat": 29, "dog": 30}), (28, 28))
    root = pictures(["cat/large.png"], (40, 40))
    found = chosen(root)
    assert "evaluate.arms" not in found
    assert found["ingest.image_size"] is None
    assert reason(root, "ingest.image_size") == (
        "the images are about 28×28 pixels, and are all stored so"
    )
    pictures(numbered({"dog": 30}), (40, 40))
    assert "gaussian" in chosen(root)["evaluate.arms"]


def test_several_sizes_and_aspects(pictures: Make) -> None:
    pictures(numbered({"cat": 12}), (28, 32))
    root = pictures(numbered({"dog": 12}), (32, 28))
    found = chosen(root)
    assert found["ingest.image_size"] == 32
    assert "ingest.fit" not in found
    pictures(numbered({"cow": 12}), (200, 40))  # would be stretched five times
    assert chosen(root)["ingest.fit"] == "pad"


def test_a_phone_that_was_held_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in numbered(CLASSES, "{}.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name, exif=exif)
    assert chosen(tmp_path)["ingest.image_size"] is None


def test_colour_and_what_only_says_so(pictures: Make) -> None:
    found = chosen(pictures(numbered(CLASSES)))
    assert found["evaluate.classic.flip"] is True
    assert "ingest.channels" not in found
    found = chosen(pictures(numbered(CLASSES), mode="L", root="grey"))
    assert found["evaluate.classic.flip"] is False
    assert "ingest.channels" not in found
    root = pictures(numbered(CLASSES), mode="L", root="tripled")
    for file in root.rglob("*.png"):
        Image.open(file).convert("RGB").save(file)
    found = chosen(root)
    assert found["ingest.channels"] == 1
    assert found["evaluate.classic.flip"] is False


def test_the_plan_is_auto_and_says_what_it_does(pictures: Make) -> None:
    even = pictures(numbered({"cat": 20, "dog": 19}))
    found = chosen(even)
    assert found["generate.plan"] == "auto"
    assert "generate.fallback" not in found
    assert "12 training images: all are brought to twice the largest" in reason(
        even, "generate.plan"
    )
    scarce = pictures(numbered({"cat": 40, "dog": 20, "cow": 10}), root="scarce")
    found = chosen(scarce)
    assert found["generate.plan"] == "auto"
    assert "24 training images: scarce ones are filled up" in reason(scarce, "generate.plan")
    assert found["generate.fallback"] == "smote"  # a GAN would be refused for six cows


def test_published_splits(pictures: Make) -> None:
    both = numbered({"train/a": 30, "train/b": 30, "test/a": 9, "test/b": 9})
    found = chosen(pictures(both))
    assert found["ingest.split.given"] == "keep"
    three = [f"val/{name}" for name in numbered({"a": 3, "b": 3})]
    root = pictures(three)
    assert chosen(root)["ingest.split.given"] == "keep"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("train", "val", "test"), 12),
        (("train", "val"), 9),  # a fourth is taken out for the test split
        (("train", "test"), 9),
    ],
)
def test_what_is_left_for_training_of_published_splits(
    pictures: Make, given: tuple[str, ...], expected: int
) -> None:
    root = pictures(numbered({f"{split}/{label}": 12 for split in given for label in "ab"}))
    assert f"about {expected} training images" in reason(root, "generate.plan")
    assert ("generate.fallback" in chosen(root)) == (expected < 10)


def test_the_share_of_training_images_is_the_one_that_is_set(pictures: Make) -> None:
    root = pictures(numbered(CLASSES))
    split = {"train": 0.4, "validation": 0.3, "test": 0.3}
    assert "about 8 training images" in reason(root, "generate.plan", split=split)
    assert chosen(root, split=split)["generate.fallback"] == "smote"


def test_a_csv_with_one_split_and_groups(pictures: Make) -> None:
    root = pictures([f"files/{i}.png" for i in range(30)])
    rows = [f"files/{i}.png,{'ab'[i % 2]},train,{i // 3}" for i in range(30)]
    (root / "list.csv").write_text("\n".join(["file,label,split,group", *rows]))
    found = chosen(root)
    assert found["ingest.split.given"] == "ignore"
    assert found["ingest.group"] == "given"


def test_series_are_kept_together(pictures: Make) -> None:
    names = [f"{c}/part{i}_{j}.png" for c in "ab" for i in range(7) for j in range(3)]
    pattern = chosen(pictures(names))["ingest.group"]["pattern"]
    assert "ingest.group" not in chosen(pictures(numbered(CLASSES), root="others"))
    from gan_augment.ingest.groups import told
    from gan_augment.params import Group

    groups = told(names, [None] * len(names), Group.model_validate({"pattern": pattern}))
    assert len(set(groups)) == 14


def test_folders_of_objects_are_kept_together(pictures: Make) -> None:
    names = [f"{c}/thing {i}/{j}.png" for c in "ab" for i in range(7) for j in range(3)]
    assert chosen(pictures(names))["ingest.group"] == "folder"


def test_real_sets(datasets: Path) -> None:
    trash = chosen(datasets / "trashnet-150")
    assert trash["ingest.image_size"] is None
    assert "gaussian" in trash["evaluate.arms"]
    assert trash["evaluate.classic.flip"] is True
    assert "ingest.group" not in trash
    clothes = chosen(datasets / "fashion-mnist")
    assert clothes["ingest.image_size"] is None
    assert clothes["ingest.limit"] == 500
    assert clothes["evaluate.classic.flip"] is False
    assert clothes["ingest.split.given"] == "keep"


def test_a_picture_that_does_not_open_is_passed_over(pictures: Make) -> None:
    root = pictures(numbered(CLASSES))
    (root / "cat/0.png").write_bytes(b"no picture")
    assert chosen(root)["ingest.image_size"] is None


def test_between() -> None:
    assert between([7000, 7000]) == "7,000"
    assert between([3, 1, 2]) == "1 to 3"
