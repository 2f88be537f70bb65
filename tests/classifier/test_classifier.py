"""A classifier in use: Pillow's images in, labels and probabilities out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_augment import load_classifier, table
from gan_augment.classifier.classifier import Classifier
from gan_augment.classifier.files import classify
from gan_augment.errors import UserError
from tests.conftest import QUICK_BACKBONE


@pytest.fixture(scope="module")
def test_images(digits: Path) -> table.Images:
    return table.read(digits, "test")


@pytest.mark.parametrize("kind", ["of_pixels", "of_features"])
def test_it_knows_new_images(
    kind: str, request: pytest.FixtureRequest, test_images: table.Images
) -> None:
    classifier = load_classifier(request.getfixturevalue(kind))
    pictures = [table.picture(image) for image in test_images.pixels[:70]]
    said = classifier.predict(pictures)
    truth = np.array(test_images.classes)[test_images.labels[:70]]
    assert (np.array(said) == truth).mean() > 0.7
    scores = classifier.probabilities(pictures)
    assert (scores.shape, scores.dtype) == ((70, 10), np.float64)
    np.testing.assert_allclose(scores.sum(1), 1)
    assert [classifier.classes[best] for best in scores.argmax(1)] == said
    at_once = classifier.of_pixels(test_images.pixels[:70])
    np.testing.assert_allclose(scores, at_once, atol=1e-5)


def test_what_the_backbone_sees_is_what_it_saw_in_training(
    of_features: Path, features: Path, digits: Path
) -> None:
    classifier, rows = Classifier(of_features), table.read(features, "validation")
    images = table.read(digits, "validation").pixels[:30]
    expected = classifier._head(rows.pixels[:30])
    np.testing.assert_allclose(classifier.of_pixels(images), expected, atol=1e-3)


def test_images_of_any_size_mode_and_turn_are_brought_to_those_of_training(
    of_pixels: Path, test_images: table.Images
) -> None:
    classifier = Classifier(of_pixels)
    picture = table.picture(test_images.pixels[0])
    (expected,) = classifier.probabilities([picture])
    large = picture.resize((64, 64), Image.Resampling.NEAREST)
    turned = large.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    others = [large, large.convert("RGB"), large.convert("RGBA"), large.convert("P"), turned]
    for scores in classifier.probabilities(others):
        np.testing.assert_allclose(scores, expected, atol=0.02)
    assert turned.size == (64, 64)
    assert turned.getexif()[0x0112] == 6
    # One colour has a label, too.
    assert classifier.probabilities([Image.new("L", (40, 9))]).shape == (1, 10)


def test_no_images_have_no_probabilities(of_pixels: Path) -> None:
    classifier = Classifier(of_pixels)
    assert classifier.probabilities([]).shape == (0, 10)
    assert classifier.predict([]) == []
    assert repr(classifier) == f"mlp of 10 classes by pixels: {of_pixels}"


def with_bits(source: Path, folder: Path, bits: int | None) -> Path:
    """Return a classifier like another, taught by grey of so many bits."""
    config = json.loads((source / "config.json").read_text())
    config["images"]["bits"] = bits
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").symlink_to(source / "model.safetensors")
    return folder


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_grey_is_scaled_as_in_training(
    of_pixels: Path, tmp_path: Path, test_images: table.Images, bits: int
) -> None:
    images = test_images.pixels[:20, 0]
    deep = (images * ((2**bits - 1) / 255)).round().astype(np.uint16)
    pictures = [Image.fromarray(image) for image in deep]
    classifier = load_classifier(with_bits(of_pixels, tmp_path, bits))
    expected = classifier.of_pixels(images[:, None])
    np.testing.assert_allclose(classifier.probabilities(pictures), expected, atol=1e-9)
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number:02}.png")
    said = list(classify(classifier, sorted(tmp_path.glob("*.png"))))
    assert [each.label for each in said] == classifier.predict(pictures)


def test_deep_grey_of_more_bits_than_in_training_is_refused(
    of_pixels: Path, tmp_path: Path
) -> None:
    bright = np.full((8, 8), 4096, np.uint16)
    bright[0] = 0
    fault = "has grey levels up to 4096, but the set's 12 bits end at 4095"
    classifier = load_classifier(with_bits(of_pixels, tmp_path, 12))
    with pytest.raises(UserError, match=f"image 0 {fault}"):
        classifier.predict([Image.fromarray(bright)])
    Image.fromarray(bright).save(tmp_path / "bright.png")
    (said,) = classify(classifier, [tmp_path / "bright.png"])
    assert fault in said.fault


def test_deep_grey_is_refused_where_there_was_none_in_training(of_pixels: Path) -> None:
    pictures = [Image.new("L", (8, 8)), Image.fromarray(np.zeros((8, 8), np.uint16))]
    with pytest.raises(UserError, match="image 1 has 16 bits of grey"):
        load_classifier(of_pixels).predict(pictures)
    with pytest.raises(UserError, match="image 0 has floating-point pixels"):
        load_classifier(of_pixels).predict([Image.new("F", (8, 8))])


def test_other_weights_of_the_backbone_are_refused(of_features: Path, tmp_path: Path) -> None:
    config = json.loads((of_features / "config.json").read_text())
    assert config["backbone"]["size"] == list(QUICK_BACKBONE.image_size or ())
    config["backbone"]["hash"] = "0" * 16
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").symlink_to(of_features / "model.safetensors")
    with pytest.raises(UserError, match="the weights of efficientnet-lite0 are .* here, and what"):
        load_classifier(tmp_path).predict([Image.new("RGB", (40, 40))])


def test_it_comes_from_an_address(
    of_pixels: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import fsspec

    monkeypatch.setenv("GAN_AUGMENT_CACHE", str(tmp_path))
    files = fsspec.filesystem("memory")
    files.put(f"{of_pixels}/", "/bucket/classifier/", recursive=True)
    files.pipe("/bucket/classifier/notes.txt", b"not fetched")
    try:
        there = load_classifier("memory://bucket/classifier")
    finally:
        files.rm("/bucket", recursive=True)
    assert there.config == load_classifier(of_pixels).config
    assert {file.name for file in there.path.iterdir()} == {"config.json", "model.safetensors"}


def test_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no classifier"):
        load_classifier(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        load_classifier(tmp_path / "no")
