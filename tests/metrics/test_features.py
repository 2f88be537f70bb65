from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torchvision.models import inception_v3

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.metrics import features
from gan_augment.metrics.features import Classifier, Extractor, Network
from gan_augment.metrics.fidelity import (
    PRDC,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall_density_coverage,
)
from gan_augment.table import Images

MakeImages = Callable[..., Images]


@pytest.fixture(scope="module")
def network(train_images: Images) -> Network[Classifier]:
    return features.train_network(train_images, seed=0)


@pytest.fixture(scope="module")
def pixel_components(train_images: Images) -> Extractor:
    return features.principal_components(train_images)


@pytest.fixture(scope="module")
def validation(digits: Path) -> Images:
    return table.read(digits, "validation")


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "STEPS", (3, 3))


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


def test_batches_hold_classes_equally_often(train_images: Images) -> None:
    batches = features._batches(train_images, 50, 0, "cpu")
    labels = torch.cat([labels for _, labels in batches])
    shares = np.bincount(labels, minlength=10) / len(labels)
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.025)


def test_batches_hold_shifted_images(random_images: MakeImages) -> None:
    """On 8×8 pixels by one pixel at most, the edge repeated."""
    images = random_images(1, 1)
    padded = np.pad(images.pixels[0, 0], 1, mode="edge")
    possible = {padded[i : i + 8, j : j + 8].tobytes() for i in range(3) for j in range(3)}
    batch, _ = next(features._batches(images, 1, 0, "cpu"))
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


def test_principal_components_by_hand(random_images: MakeImages) -> None:
    """Images that differ in one pixel lie on a line; the mean variance of components is 1."""
    images = random_images(5, 1)
    pixels = np.repeat(images.pixels[:1], 5, axis=0)
    pixels[:, 0, 2, 3] = [0, 51, 102, 153, 204]
    extractor = features.principal_components(
        Images(pixels, images.labels, images.classes, images.rows)
    )
    found = extractor(pixels)
    assert found.probabilities is None
    assert found.values.dtype == np.float64
    places = np.sqrt(2) * np.arange(-2, 3)  # of variance 5, as there are five components
    sign = np.sign(found.values[4, 0])
    assert sign * found.values[:, 0] == pytest.approx(places, abs=1e-4)
    assert found.values[:, 1:] == pytest.approx(0, abs=1e-4)


def test_principal_components_keep_what_varies(
    pixel_components: Extractor, train_images: Images
) -> None:
    """Uncorrelated, and with the variances that a direct decomposition finds."""
    covariance = np.cov(pixel_components(train_images.pixels).values.T)
    flat = train_images.pixels.reshape(len(train_images), -1) / 255
    expected = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    np.testing.assert_allclose(covariance, np.diag(expected / expected.mean()), atol=1e-4)


def test_names_tell_the_images_of_principal_components(
    random_images: MakeImages, pixel_components: Extractor
) -> None:
    one, two = (features.principal_components(random_images(n)).name for n in (12, 13))
    assert len({one, two, pixel_components.name}) == 3
    assert one == features.principal_components(random_images(12)).name
    assert one.startswith("pixels-")


def scores(extractor: Extractor, real: Images, pixels: np.ndarray) -> PRDC:
    return precision_recall_density_coverage(
        extractor(real.pixels).values, extractor(pixels).values
    )


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_held_out_real_images_score_well(
    kind: str, request: pytest.FixtureRequest, train_images: Images, validation: Images
) -> None:
    found = scores(request.getfixturevalue(kind), train_images, validation.pixels)
    assert min(found.precision, found.recall, found.coverage) > 0.75


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_a_collapsed_generator_is_seen(
    kind: str, request: pytest.FixtureRequest, train_images: Images, validation: Images
) -> None:
    """One real image a class, over and over, is precise and covers nothing."""
    first = [np.flatnonzero(validation.labels == label)[0] for label in validation.labels]
    found = scores(request.getfixturevalue(kind), train_images, validation.pixels[first])
    assert found.precision > 0.5
    assert found.recall == 0
    assert found.coverage < 0.1


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_noise_is_seen_and_more_of_it_more(
    kind: str, request: pytest.FixtureRequest, validation: Images
) -> None:
    extractor: Extractor = request.getfixturevalue(kind)
    real, unseen = extractor(validation.pixels[::2]).values, validation.pixels[1::2]
    noise = np.random.default_rng(0).normal(0, 1, unseen.shape)
    noisy = [
        extractor((unseen + level * noise).round().clip(0, 255).astype(np.uint8)).values
        for level in (0, 40, 120)
    ]
    for distance in (frechet_distance, kernel_distance):
        clean, some, much = (distance(real, values) for values in noisy)
        assert clean < some < much
    precisions = [precision_recall_density_coverage(real, v).precision for v in noisy]
    assert precisions[0] > precisions[1] > precisions[2]


@pytest.fixture(scope="module")
def weights(published: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inception")
    paths = {ending: folder / f"weights.{ending}" for ending in ("pth", "safetensors")}
    torch.save(published.state_dict(), paths["pth"])
    save_file(published.state_dict(), paths["safetensors"])
    return paths


@pytest.fixture(scope="module")
def published() -> nn.Module:
    """Return a network such as torchvision publishes, its weights drawn at random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return inception_v3(weights=None, init_weights=False, transform_input=True).eval()


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@torch.no_grad()
def test_inception_is_torchvisions(
    ending: str, published: nn.Module, weights: dict[str, Path], random_images: MakeImages
) -> None:
    """The same outputs as of its own network on images that are normalised as it asks."""
    before = torch.get_rng_state()
    extractor = features.inception(weights[ending])
    assert torch.equal(torch.get_rng_state(), before)
    assert extractor.name.startswith("inception-")

    pixels = random_images(2, 1, (3, 40, 30)).pixels
    found = extractor(pixels)
    assert found.values.shape == (2, 2048)
    x = torch.from_numpy(pixels).float() / 255
    x = nn.functional.interpolate(x, (299, 299), mode="bilinear", antialias=True)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    pooled = []
    with published.avgpool.register_forward_hook(lambda *call: pooled.append(call[-1])):
        expected = published((x - mean) / std).softmax(dim=1)
    values = pooled[0].flatten(1).numpy()
    np.testing.assert_allclose(found.values, values, rtol=1e-3, atol=1e-4 * values.max())
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4)


def test_inception_sees_grey_as_equal_channels(
    weights: dict[str, Path], random_images: MakeImages
) -> None:
    extractor = features.inception(weights["safetensors"])
    grey = random_images(2, 1, (1, 20, 20)).pixels
    coloured = np.repeat(grey, 3, axis=1)
    np.testing.assert_array_equal(extractor(grey).values, extractor(coloured).values)


@pytest.mark.parametrize("content", ["nothing", "text", "list", "numbers", "another", "pickle"])
def test_what_is_not_inception_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    match content:
        case "text":
            path.write_text("hello, world")
        case "list":
            torch.save([torch.ones(1)], path)
        case "numbers":
            torch.save({"fc.weight": 1}, path)
        case "another":
            torch.save(nn.Linear(2, 2).state_dict(), path)
        case "pickle":
            torch.save(nn.Linear(2, 2), path)
    with pytest.raises(UserError, match=r"weights.pth does not hold .* give its state dict as"):
        features.inception(path)
