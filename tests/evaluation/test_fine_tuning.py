"""A pretrained network whose last blocks learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.evaluation import fine_tuning
from gan_augment.evaluation.classifiers import classifier, logistic_regression
from gan_augment.evaluation.embedding import Pictures
from gan_augment.evaluation.fine_tuning import Network, judge
from gan_augment.evaluation.training_set import Pretrained, TrainingSet, of_images
from gan_augment.metrics.lift import C_OF_FEATURES
from gan_augment.params import ClassicParams, EmbedParams
from gan_augment.table import Images
from tests.conftest import QUICK_BACKBONE

COUNT, STEPS = 18, 3


@pytest.fixture(scope="module")
def pretrained() -> Pretrained:
    backbone = backbones.load(QUICK_BACKBONE, QUICK_BACKBONE.backbone)
    return Pretrained(backbone.space, None)


def images(count: int = COUNT, channels: int = 3, seed: int = 0) -> Images:
    """Return noisy stripes that lie, stand or cross, by the class."""
    draw, labels = np.random.default_rng(seed), np.arange(count) % 3
    y, x = np.mgrid[:12, :12] // 2 % 2
    shapes = np.stack([y, x, y ^ x])[labels][:, None] * 180
    pixels = draw.integers(0, 70, (count, channels, 12, 12)) + shapes
    rows = table.encode(
        pixels.astype(np.uint8), labels, ["a", "b", "c"], split="train", origin="real"
    )
    return table.decode(rows)


def training_set(pretrained: Pretrained, channels: int = 3) -> TrainingSet:
    return replace(of_images(images(channels=channels)), pretrained=pretrained)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_learns_and_the_seed_decides(channels: int, pretrained: Pretrained) -> None:
    made = replace(training_set(pretrained, channels), classic=ClassicParams())
    unseen = images(9, channels, seed=1)
    scores, fewer = judge(made, [unseen.pixels, unseen.pixels[:2]], 4 * STEPS, 0)
    assert (scores.argmax(1) == unseen.labels).mean() > 0.8
    assert fewer.shape == (2, 3)
    np.testing.assert_allclose(scores.sum(1), 1)
    again, other = (judge(made, [unseen.pixels], 4 * STEPS, seed)[0] for seed in (0, 1))
    np.testing.assert_array_equal(again, scores)
    assert not np.array_equal(other, scores)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_begins_as_a_logistic_regression_of_frozen_features(
    classes: int, pretrained: Pretrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "RATE", 0.0)
    made = training_set(pretrained)
    few = made.labels < classes
    made = replace(
        made, pixels=made.pixels[few], labels=made.labels[few], weights=made.weights[few]
    )
    made.weights[:2] = 3
    unseen = images(9, seed=1).pixels
    (scores,) = judge(made, [unseen], 1, 0)
    features = [
        backbones.embed([table.picture(image) for image in pixels], pretrained.space)
        for pixels in (made.pixels, unseen)
    ]
    expected = make_pipeline(StandardScaler(), logistic_regression(0, C_OF_FEATURES))
    expected.fit(features[0], made.labels, logisticregression__sample_weight=made.weights)
    found = expected.predict_proba(features[1])
    np.testing.assert_allclose(scores[:, :classes], found, atol=0.02)  # other antialiasing
    assert (scores[:, classes:] < 0.01).all()


def test_early_blocks_and_statistics_stay_and_so_does_the_backbone(pretrained: Pretrained) -> None:
    params = backbones.params_of(pretrained.space)
    backbone = backbones.loaded_once(params, pretrained.space.backbone)
    before = {name: value.clone() for name, value in backbone.network.state_dict().items()}
    judge(training_set(pretrained), [images(3).pixels], STEPS, 0)
    for name, value in backbone.network.state_dict().items():
        assert torch.equal(value, before[name])
    net = Network(backbone, 3)
    learning = {name for name, weight in net.backbone.named_parameters() if weight.requires_grad}
    parts = {".".join(name.split(".")[:2]) for name in learning if name.startswith("blocks")}
    assert parts == {"blocks.5", "blocks.6"}
    assert {"conv_head.weight", "bn2.weight"} <= learning
    assert not net.eval().backbone.bn2.training


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050"])
def test_any_model_of_timm_can_be_tuned(name: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(timm.create_model(name).state_dict(), file)
    params = EmbedParams(backbone=name, weights=file, image_size=(32, 32))
    space = backbones.load(params, name).space
    (scores,) = judge(training_set(Pretrained(space, file)), [images(5).pixels], STEPS, 0)
    assert scores.shape == (5, 3)
    assert np.isfinite(scores).all()


def test_a_single_class_is_what_it_says(pretrained: Pretrained) -> None:
    made = training_set(pretrained)
    (scores,) = judge(replace(made, labels=np.zeros_like(made.labels)), [made.pixels], STEPS, 0)
    assert (scores.argmax(1) == 0).all()


def test_of_features_it_sees_the_images_that_rows_show(pretrained: Pretrained) -> None:
    real = images()
    space = pretrained.space
    features = np.zeros((COUNT, space.width), np.float32)
    made = of_images(replace(real, pixels=features, space=space))
    turned = replace(made, shows=made.shows[::-1], views={})
    pictures = Pictures(pretrained, {}).knowing("train", real).knowing("test", images(4))
    targets = {"test": replace(real, pixels=features[:4]), "synthetic": real}
    shown, samples = pictures.shown(classifier("fine-tuned"), turned, targets)
    np.testing.assert_array_equal(shown.pixels, real.pixels[::-1])
    assert shown.pretrained == pretrained
    assert shown.views is None
    np.testing.assert_array_equal(samples["test"], images(4).pixels)
    assert set(samples) == {"test"}
    shown, samples = pictures.shown(classifier("k-nn"), turned, targets)
    assert shown is turned
    assert set(samples) == set(targets)
