import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import balanced_accuracy_score

from gan_augment.errors import UserError
from gan_augment.metrics import features
from gan_augment.metrics.features import Classifier, Network, training
from gan_augment.metrics.fidelity import inception_score
from gan_augment.table import Images

MakeImages = Callable[..., Images]


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "STEPS", (3, 3))


def test_the_network_knows_the_classes(
    network: Network[Classifier], validation: Images, train_images: Images
) -> None:
    """Of 100 or only 20 images a class it learns more than 0.93 (an SVM on pixels: 0.94)."""
    assert sorted(train_images.counts())[:5] == [20] * 5
    probabilities = network(validation.pixels).probabilities
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert balanced_accuracy_score(validation.labels, probabilities.argmax(axis=1)) > 0.93
    assert inception_score(probabilities) > 8


def test_features_are_float64_and_an_image_has_its_own(
    network: Network[Classifier], validation: Images
) -> None:
    together = network(validation.pixels)
    assert together.values.shape == (len(validation), 64)
    assert together.values.dtype == together.probabilities.dtype == np.float64
    assert (together.values.std(axis=0) > 0.01).all()
    backwards = network(validation.pixels[:50][::-1])
    np.testing.assert_allclose(backwards.values[::-1], together.values[:50], atol=1e-5)


@pytest.mark.usefixtures("few_steps")
def test_images_and_seed_decide_the_network(random_images: MakeImages) -> None:
    images, others = random_images(), random_images(15)
    first, again = (features.train_network(images, 0) for _ in range(2))
    weights, same = first.module.state_dict(), again.module.state_dict()
    assert first.name == again.name
    assert all(torch.equal(weights[key], same[key]) for key in weights)
    names = {first.name, features.train_network(images, 1).name}
    names.add(features.train_network(others, 0).name)
    assert len(names) == 3
    assert all(name.startswith("network-") for name in names)


@pytest.mark.usefixtures("few_steps")
def test_training_does_not_touch_global_state_nor_listen_to_it(random_images: MakeImages) -> None:
    names = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        before = torch.get_rng_state(), np.random.get_state()[1].copy()
        names.add(features.train_network(random_images(), 0).name)
        assert torch.equal(torch.get_rng_state(), before[0])
        np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    assert len(names) == 1


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize(
    "size", [(1, 4, 4), (1, 8, 8), (3, 12, 40), (1, 28, 28), (3, 33, 17), (3, 128, 128)]
)
def test_any_size_and_few_images(size: tuple[int, int, int], random_images: MakeImages) -> None:
    images = random_images(12, 3, size)
    found = features.train_network(images, 0)(images.pixels)
    assert found.values.shape == (12, 64)
    assert found.probabilities.shape == (12, 3)
    assert np.isfinite(found.values).all()


def test_batches_shift_images_beyond_their_edges(random_images: MakeImages) -> None:
    """By a pixel at most in each direction; what moves in is the edge."""
    images = random_images(6, 3, (3, 12, 14))
    padded = np.pad(images.pixels, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    shifted = {
        padded[row, :, top : top + 12, left : left + 14].tobytes(): (row, top, left)
        for row, top, left in np.ndindex(6, 3, 3)
    }
    found = {
        shifted[image.numpy().tobytes()]
        for batch, _ in training._batches(images, 20, 0, "cpu")
        for image in batch.contiguous()
    }
    assert len(found) == len(shifted)


def test_no_batch_needs_all_images_in_memory() -> None:
    """They may be mapped: here one image stands for all of 300 MB."""
    pixels = np.broadcast_to(np.zeros((1, 3, 64, 64), np.uint8), (25_000, 3, 64, 64))
    labels = np.arange(25_000) % 2
    images = Images(pixels, labels, ("a", "b"), pd.DataFrame(index=range(25_000)))
    tracemalloc.start()
    for _ in training._batches(images, 3, 0, "cpu"):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_batches_hold_classes_equally_often(train_images: Images) -> None:
    batches = training._batches(train_images, 50, 0, "cpu")
    labels = torch.cat([labels for _, labels in batches])
    shares = np.bincount(labels, minlength=10) / len(labels)
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.025)


def test_batches_hold_shifted_images(random_images: MakeImages) -> None:
    """On 8×8 pixels by one pixel at most, the edge repeated."""
    images = random_images(1, 1)
    padded = np.pad(images.pixels[0, 0], 1, mode="edge")
    possible = {padded[i : i + 8, j : j + 8].tobytes() for i in range(3) for j in range(3)}
    batch, _ = next(training._batches(images, 1, 0, "cpu"))
    assert batch.shape == (64, 1, 8, 8)
    assert {image.numpy().tobytes() for image in batch.contiguous()} == possible


@pytest.mark.usefixtures("few_steps")
def test_a_class_without_images_is_no_obstacle(random_images: MakeImages) -> None:
    images = random_images(12, 3)
    images = Images(images.pixels, images.labels, (*images.classes, "empty"), images.rows)
    assert features.train_network(images, 0)(images.pixels).probabilities.shape == (12, 4)


def test_a_saved_network_is_the_same_network(
    network: Network[Classifier], validation: Images, tmp_path: Path
) -> None:
    features.save(network, tmp_path / "one.safetensors")
    loaded = features.load(tmp_path / "one.safetensors")
    features.save(loaded, tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (
        tmp_path / "two.safetensors"
    ).read_bytes()
    assert loaded.name == network.name
    np.testing.assert_array_equal(
        loaded(validation.pixels).values, network(validation.pixels).values
    )


@pytest.mark.usefixtures("few_steps")
def test_what_is_kept_is_not_trained_again(
    random_images: MakeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, path = random_images(), tmp_path / "kept.safetensors"
    first = features.train_once(images, 0, path)
    assert first.name == features.train_network(images, 0).name
    monkeypatch.delattr(training, "train_network")
    assert features.train_once(images, 0, path).name == first.name


def test_what_is_no_saved_network_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    with pytest.raises(UserError, match=r"other.safetensors is not a feature network"):
        features.load(other)
    save_file({"weight": torch.ones(2)}, other)
    with pytest.raises(UserError, match="delete it"):
        features.load(other)
    save_file({}, other, {"shape": '{"channels": 1, "height": 8, "width": 8, "classes": 2}'})
    with pytest.raises(UserError, match="Missing key"):
        features.load(other)
