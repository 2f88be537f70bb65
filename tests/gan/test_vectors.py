"""The GAN of features: codecs, generators that borrow from other classes, and the stage on them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from gan_augment import mapped, table
from gan_augment.errors import UserError
from gan_augment.gan import model, stage, start
from gan_augment.gan.networks import NETWORKS, Shape, build
from gan_augment.gan.networks.codec import VectorCodec
from gan_augment.params import TrainParams

OF_FEATURES = [name for name, network in NETWORKS.items() if network.features]
QUICK = TrainParams(
    steps=40, batch_size=32, width=32, eval_interval=20, checkpoint_interval=10, threads=1
)
CODES, WIDTH = 6, 20


def shape(**options: Any) -> Shape:
    small = {"classes": 3, "latent_dim": CODES, "embedding_dim": 4, "width": 8, "features": WIDTH}
    return Shape(CODES, (), **{**small, **options})


@pytest.fixture(scope="module")
def classes() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return features of three classes with means and scales of their own; the last is scarce."""
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [60, 60, 12])
    mixing = draw.standard_normal((CODES, WIDTH)) * np.geomspace(100, 0.01, WIDTH)
    codes = draw.standard_normal((len(labels), CODES)) + 3 * labels[:, None]
    return (codes @ mixing + 5).astype(np.float32), labels


def test_codes_lose_nothing_that_is_within_the_components(classes: Any) -> None:
    values, labels = classes
    codec = VectorCodec(shape())
    codec.fit(values, labels)
    codes = codec.hold(values)
    assert codes.shape == (len(values), CODES)
    assert codes.var(dim=0, correction=0).mean().item() == pytest.approx(1, rel=0.02)
    shown = codec.show(codes, torch.from_numpy(labels))
    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown, values, rtol=1e-3, atol=1e-3)


def test_spread_moves_samples_away_from_the_mean_of_their_class(classes: Any) -> None:
    values, labels = classes
    codec = VectorCodec(shape())
    codec.fit(values, labels)
    codes, y = codec.hold(values), torch.from_numpy(labels)
    before = codec.show(codes, y)[labels == 1]
    codec.spread.fill_(2.0)
    after = codec.show(codes, y)[labels == 1]
    np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(after.std(axis=0), 2 * before.std(axis=0), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", OF_FEATURES)
def test_generator_and_discriminator_fit_the_codes(name: str) -> None:
    torch.manual_seed(0)
    generator, discriminator = build(name, shape(minibatch_stddev=True, spectral_norm=True))
    y = torch.tensor([0, 1, 2, 2])
    made = generator(torch.randn(4, CODES), y)
    assert made.shape == (4, CODES)
    assert discriminator(made, y).shape == (4,)


def begun(name: str, values: Any, labels: Any) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """Return a generator that has seen the training samples, their codes and labels."""
    generator: Any = build(name, shape())[0].eval()
    generator.codec.fit(values, labels)
    codes, y = generator.codec.hold(values), torch.from_numpy(labels)
    generator.begin(codes, y, "calibrated")
    return generator, codes, y


def test_it_starts_as_the_gaussian_of_each_class(classes: Any) -> None:
    generator, codes, y = begun("gaussian", *classes)
    for label in range(3):
        wanted = torch.full((20_000,), label)
        with torch.no_grad():
            made = generator(torch.randn(20_000, CODES), wanted)
        own = codes[y == label]
        torch.testing.assert_close(made.mean(dim=0), own.mean(dim=0), atol=0.05, rtol=0)
        around = torch.cat([codes[y == k] - codes[y == k].mean(dim=0) for k in range(3)])
        pooled = around.var(dim=0, correction=0).mean()
        expected = (pooled + own.var(dim=0, correction=0).mean()) / 2
        assert made.var(dim=0).mean().item() == pytest.approx(expected.item(), rel=0.1)


def test_examples_are_training_images_of_the_class(classes: Any) -> None:
    generator, codes, y = begun("example", *classes)
    for label in range(3):
        known = {tuple(row) for row in codes[y == label].tolist()}
        found = {tuple(row) for row in generator.examples[label].tolist()}
        assert found <= known
        assert len(found) == min(len(known), 64)


def outputs(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ("model", "history", "scratch")}


def train(folder: Path, digits: Path, features: Path, **settings: Any) -> Path:
    params = QUICK.model_validate({**QUICK.model_dump(), **settings})
    stage.run(params, {"real": digits, "features": features}, outputs(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _few_starts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "CODES", (16, 64))
        yield


@pytest.fixture(scope="module")
def trained(digits: Path, features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("trained"), digits, features)


def test_features_are_trained_on_where_there_are_some(trained: Path, features: Path) -> None:
    made = model.load(trained / "model")
    assert made.network == "gaussian"
    assert made.space == table.space(features)
    drawn = made.draw(3, range(10), 0)
    assert drawn.shape == (10, 1280)
    assert drawn.dtype == np.float32
    np.testing.assert_array_equal(made.draw(3, range(4, 6), 0), drawn[4:6])
    scores = pd.read_csv(trained / "history" / "validation.csv")
    floor = json.loads((trained / "history" / "floor.json").read_text())
    assert scores["step"].tolist() == [0, 20, 40]  # it starts as something worth having
    assert scores["cas"].iloc[-1] > (floor["cas"] + floor["chance"]) / 2
    assert scores["kid_pixels"].isna().all()
    assert (scores["diversity"] > 0.5).all()
    assert floor["features"].startswith("features-")


def test_mapped_from_a_file_features_give_the_same_bytes(
    trained: Path, digits: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "MAPPED_FROM", 0)
    train(tmp_path, digits, features)
    assert len(list((tmp_path / mapped.FOLDER).glob("*-features-*.npy"))) == 2
    for file in filter(Path.is_file, trained.glob("[mh]*/**/*")):  # model and history
        assert (tmp_path / file.relative_to(trained)).read_bytes() == file.read_bytes()


def test_killed_and_started_again_it_gives_the_same_bytes(
    trained: Path, digits: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    step = stage.Trainer.step

    def until_30(self: Any, number: int, batches: Any) -> Any:
        if number == 30:
            raise Killed
        return step(self, number, batches)

    monkeypatch.setattr(stage.Trainer, "step", until_30)
    with pytest.raises(Killed):
        train(tmp_path, digits, features)
    monkeypatch.setattr(stage.Trainer, "step", step)
    train(tmp_path, digits, features)
    for half in ("generator", "discriminator"):
        file = f"model/{half}.safetensors"
        assert (tmp_path / file).read_bytes() == (trained / file).read_bytes()


@pytest.mark.parametrize("network", [name for name in OF_FEATURES if name != "gaussian"])
@pytest.mark.parametrize("penalty", ["r1+r2", "wgan-gp"])
def test_others_train_too(
    network: str, penalty: str, digits: Path, features: Path, tmp_path: Path
) -> None:
    folder = train(tmp_path, digits, features, network=network, penalty=penalty, steps=20)
    assert np.isfinite(model.load(folder / "model").draw(0, range(5), 0)).all()


def test_it_starts_from_another_model_and_keeps_its_codes(
    trained: Path, digits: Path, features: Path, tmp_path: Path
) -> None:
    """From one with its components in another order, as other training images would have them."""
    origin = tmp_path / "origin"
    shutil.copytree(trained / "model", origin)
    for half in ("generator", "discriminator"):
        weights = load_file(origin / f"{half}.safetensors")
        weights["codec.components"] = weights["codec.components"].flip(0).contiguous()
        save_file(weights, origin / f"{half}.safetensors")
    before = model.load(origin)
    folder = train(tmp_path, digits, features, init_from={"path": str(origin)}, steps=20)
    after = model.load(folder / "model")
    assert after.space == table.space(features)
    for name in ("mean", "scale", "components", "unit"):
        kept = before.generator.codec.get_buffer(name)
        assert torch.equal(after.generator.codec.get_buffer(name), kept), name
        assert torch.equal(after.discriminator.codec.get_buffer(name), kept), name
    means = before.generator.codec.class_means.flip(1)
    torch.testing.assert_close(after.generator.codec.class_means, means, rtol=1e-3, atol=1e-3)


def test_it_does_not_start_from_a_model_of_images(
    digits: Path, features: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    stage.run(QUICK, {"real": digits}, outputs(images))
    with pytest.raises(
        UserError, match=r"init_from: .* makes images, and features of .* are wanted"
    ):
        train(tmp_path, digits, features, network="mlp", init_from={"path": str(images / "model")})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"network": "resnet"}, "'resnet' does not make features of a backbone: use auto, mlp"),
        ({"augment": ["colour"]}, "train.augment is for images"),
        ({"conditional": False}, "train.conditional = false is for images"),
        ({"inception_weights": "inception.pth"}, "train.inception_weights look at images"),
    ],
)
def test_what_features_have_no_use_for(
    given: dict[str, Any], said: str, digits: Path, features: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        train(tmp_path, digits, features, **given)


def test_what_images_have_no_use_for(digits: Path, tmp_path: Path) -> None:
    params = QUICK.model_copy(update={"network": "gaussian"})
    with pytest.raises(UserError, match="'gaussian' does not make images: use auto, mlp"):
        stage.run(params, {"real": digits}, outputs(tmp_path))
