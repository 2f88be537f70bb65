from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gan_augment.metrics.memorisation import Copying, Sample, copying, judgement
from tests.metrics.memorisation.worlds import COPIES, World, digits_world, recoded, unchanged

Pixels = NDArray[np.uint8]


def close_to_the_floor(found: Copying) -> bool:
    return (
        found.exact == found.holdout_exact == 0
        and abs(found.near.share - found.near.holdout_share) < judgement.NEAR_COPIES
        and 0.9 < found.ratio.value < 1.1
        and 0.9 < found.match_ratio.value < 1.1
        and abs(found.data_copying) < 3
        and abs(found.authenticity - found.holdout_authenticity) < 0.1
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_generator_passes(seed: int) -> None:
    world = digits_world(seed)
    found = copying(world.healthy, world.holdout, world.train)
    assert found.reasons == ()
    assert close_to_the_floor(found)


def test_a_healthy_generator_of_larger_images_passes(fashion_images: World) -> None:
    world = fashion_images
    found = copying(world.healthy, world.holdout, world.train)
    assert found.reasons == ()
    assert close_to_the_floor(found)
    assert all(0.7 < ratio.value < 1.4 for ratio in found.class_ratios.values())


@pytest.mark.parametrize("change", COPIES)
def test_copying_is_found_and_explained(world: World, change: Callable[[Pixels], Pixels]) -> None:
    found = copying(world.planted(change, 32), world.holdout, world.train)
    assert any("near copies of training images, against" in reason for reason in found.reasons)
    exact = [reason for reason in found.reasons if "8.0% are exact copies" in reason]
    assert len(exact) == (change is unchanged)


def test_a_generator_that_does_nothing_but_copy(world: World) -> None:
    copies = world.planted(recoded, 400)
    found = copying(copies, world.holdout, world.train)
    assert len(found.reasons) == 2
    assert "bound -3) and to single ones at that" in found.reasons[1]
    assert found.ratio.high < 0.5
    assert found.data_copying < -10
    assert found.authenticity < 0.05


def test_scarce_classes_filled_up_are_no_copying(digits_images: World) -> None:
    """Odd digits have 20 training images and most synthetic ones; the generator is perfect."""
    world = digits_images
    odd = world.train.labels % 2 == 1
    rank = np.array([np.sum(world.train.labels[:i] == c) for i, c in enumerate(world.train.labels)])
    train = Sample(*(part[~odd | (rank < 20)] for part in world.train))
    kept = (world.healthy.labels % 2 == 1) | (np.arange(400) % 4 == 0)
    found = copying(Sample(*(part[kept] for part in world.healthy)), world.holdout, train)
    assert found.reasons == ()
    assert 0.9 < found.ratio.value < 1.1
    assert abs(found.data_copying) < 3


def test_bad_generators_that_copy_nothing_are_not_accused(world: World) -> None:
    draw = np.random.default_rng(0)
    labels = world.healthy.labels
    noise = draw.integers(0, 256, world.healthy.pixels.shape, np.uint8)
    means = np.stack(
        [world.train.pixels[world.train.labels == label].mean(axis=0) for label in labels]
    )
    blur = (means + draw.normal(0, 8, means.shape)).clip(0, 255).astype(np.uint8)
    found = copying(world.sample(noise, labels), world.holdout, world.train)
    assert found.reasons == ()
    assert found.data_copying > 8
    assert found.ratio.low > 1.5
    found = copying(world.sample(blur, labels), world.holdout, world.train)
    assert found.reasons == ()
    assert found.data_copying < -1  # this alone would be taken for copying
    assert found.near.share == 0


def test_the_same_images_give_the_same_numbers(digits_images: World) -> None:
    world = digits_images
    first, second = (copying(world.healthy, world.holdout, world.train) for _ in range(2))
    assert repr(first) == repr(second)
    assert first.near.synthetic.relative.tobytes() == second.near.synthetic.relative.tobytes()
