"""What real images get, on digits that grow brighter with their names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gan_augment.gan import validation
from gan_augment.gan.networks import Shape, build
from gan_augment.gan.recipe import recipe
from gan_augment.gan.sampling import sample
from gan_augment.gan.validation import Validator
from gan_augment.metrics import features
from gan_augment.metrics.fidelity import kernel_distance
from gan_augment.metrics.lift import Lift
from gan_augment.params import TrainParams
from gan_augment.synthesis.draws import seed_of_set
from gan_augment.table import Images


@pytest.fixture(scope="module")
def halves(train_images: Images) -> tuple[Images, Images]:
    """Return three quarters of the even digits and the rest, from dim to bright in either."""
    even = np.flatnonzero(train_images.labels % 2 == 0)
    held_out = np.arange(len(even)) % 4 == 3
    return _ordered(train_images, even[~held_out]), _ordered(train_images, even[held_out])


def _ordered(images: Images, rows: np.ndarray) -> Images:
    brightness = np.linspace(0.3, 1.0, len(rows))[:, None, None, None]
    return Images(
        (images.pixels[rows] * brightness).astype(np.uint8),
        images.labels[rows] // 2,
        images.classes[::2],
        images.rows.iloc[rows].reset_index(drop=True),
    )


@pytest.fixture(scope="module")
def validator(halves: tuple[Images, Images], tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return _validator(halves, tmp_path_factory.mktemp("scratch"))


def _validator(halves: tuple[Images, Images], scratch: Path) -> Validator:
    shape, settings = Shape(1, (8, 8), 5, 16, 8, 32), recipe(TrainParams(), (8, 8))
    return Validator(*halves, shape, settings, torch.device("cpu"), scratch)


def test_the_floor_is_that_of_a_fair_sample(
    validator: Validator, halves: tuple[Images, Images]
) -> None:
    """The first rows of each class, which are the dim ones, would get many times as much."""
    train, validation = halves
    seen = features.principal_components(train)
    first = [np.flatnonzero(train.labels == y)[:n] for y, n in enumerate(validation.counts())]
    dim = kernel_distance(
        seen(validation.pixels).values, seen(train.pixels[np.concatenate(first)]).values
    )
    assert abs(validator.floor["kid_pixels"]) < dim / 5


def test_guessing_has_a_standard_error_on_the_validation_images(
    validator: Validator, halves: tuple[Images, Images]
) -> None:
    per_class = np.sum(1 / halves[1].counts()) / 25
    assert validator.floor["chance_error"] == pytest.approx(np.sqrt(0.2 * 0.8 * per_class))


def test_diversity_is_a_share_of_that_of_all_images(
    validator: Validator, halves: tuple[Images, Images]
) -> None:
    """A generator that draws from the training images varies as much as they do."""
    train, validation = halves
    draw = np.random.default_rng(0)
    drawn = [
        draw.choice(np.flatnonzero(train.labels == y), n) for y, n in enumerate(validation.counts())
    ]
    pixels = train.pixels[np.concatenate(drawn)]
    assert validator._diversity(pixels) == pytest.approx(1, abs=0.1)


def test_copies_of_any_training_image_are_found_where_scores_go_by_a_sample(
    halves: tuple[Images, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "MOST_REAL", 100)
    train = halves[0]
    search = _validator(halves, tmp_path)._near_copies
    assert search is not None
    assert len(train) > 400
    assert search(train.pixels, train.labels).copies.all()


def test_a_generator_is_chosen_by_none_of_the_images_that_it_makes(
    halves: tuple[Images, Images], tmp_path: Path
) -> None:
    shape, settings = Shape(1, (8, 8), 5, 16, 8, 32), recipe(TrainParams(), (8, 8))
    lift = Lift(*halves, settings.seed)
    validator = Validator(*halves, shape, settings, torch.device("cpu"), tmp_path, lift)
    generator, discriminator = build("mlp", shape)
    seen: set[bytes] = set()

    def remember(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.update(latent.numpy().tobytes() for latent in inputs[0])

    generator.register_forward_pre_hook(remember)
    validator.score(generator, discriminator, tmp_path / "sheet.png")
    chosen_by = set(seen)
    seen.clear()
    for number in range(3):
        sample(generator, 16, 0, range(300), seed_of_set(settings.seed, number))
    assert len(seen) == 3 * 384
    assert not seen & chosen_by
