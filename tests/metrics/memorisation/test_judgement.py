from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gan_augment.metrics.memorisation import Copying, Sample, copying, judgement
from gan_augment.metrics.memorisation.copies import Matches, NearCopies
from gan_augment.metrics.memorisation.statistics import Ratio
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


def near(copies: int, of: int, holdout: int, among: int) -> NearCopies:
    """Return so many near copies among synthetic and among held-out images."""
    sides = [
        Matches(np.repeat([0.1, 0.5], [some, all_of - some]), np.zeros(all_of, np.int64))
        for some, all_of in ((copies, of), (holdout, among))
    ]
    return NearCopies(sides[0], sides[1], 0.5)


def reasons(
    exact: float = 0.0,
    holdout_exact: float = 0.0,
    copies: NearCopies | None = None,
    high: float = 1.0,
    c_t: float = 0.0,
) -> list[str]:
    ratio = Ratio(high - 0.1, high - 0.2, high, 100)
    return list(
        judgement._reasons(exact, holdout_exact, copies or near(0, 100, 0, 100), ratio, c_t)
    )


def test_bounds_by_hand() -> None:
    """A thousandth of exact copies, three hundredths of near ones, C_T of −3, a ratio of 0.8."""
    assert reasons() == []
    assert reasons(exact=0.251, holdout_exact=0.25) == reasons(exact=0.001) == []
    (said,) = reasons(exact=0.2521, holdout_exact=0.25)
    assert said.startswith("25.2% are exact copies of training images, against 25.0% of held-out")
    assert said.endswith("more than 0.1% beyond")

    assert reasons(copies=near(30, 1000, 0, 1000)) == []  # three hundredths
    (said,) = reasons(copies=near(31, 1000, 0, 1000))
    assert said.startswith("3.1% are near copies of training images, against 0.0% of held-out")
    assert said.endswith("more than 3% beyond")
    assert reasons(copies=near(231, 1000, 200, 1000)) == []  # p is 0.051
    assert len(reasons(copies=near(250, 1000, 200, 1000))) == 1  # 0.004

    assert reasons(c_t=-3, high=0.5) == reasons(c_t=-9, high=0.8) == []
    assert reasons(c_t=-9, high=0.9) == reasons(c_t=-2.9, high=0.5) == []
    (said,) = reasons(c_t=-3.1, high=0.79)
    assert "(C_T -3.1, bound -3)" in said
    assert said.endswith("(ratio 0.69, at most 0.79, bound 0.8)")


def test_chance_of_near_copies_by_hand() -> None:
    """Both of two, and neither of two others: one way of six to choose two of four."""
    assert judgement._chance(near(2, 2, 0, 2)) == pytest.approx(1 / 6)
    # Five of six and none of six: of 792 ways to choose five of twelve, six.
    assert judgement._chance(near(5, 6, 0, 6)) == pytest.approx(6 / 792)
    for copies, said in ((5, 1), (4, 0)):  # p is 0.008, and 0.03
        assert len(reasons(copies=near(copies, 6, 0, 6))) == said


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
