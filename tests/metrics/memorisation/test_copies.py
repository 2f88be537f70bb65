from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gan_augment.metrics.fidelity import TooFewRowsError
from gan_augment.metrics.memorisation import (
    Sample,
    copies,
    copying,
    exact_copies,
    match,
    near_copies,
)
from tests.metrics.memorisation.worlds import COPIES, SEEDS, World, recoded, shifted

Pixels = NDArray[np.uint8]


def test_exact_copies() -> None:
    train = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 5), np.uint8)
    pixels = train[[4, 0, 8]].copy()
    pixels[1, 2, 3, 4] ^= 1
    assert exact_copies(pixels, train).tolist() == [True, False, True]


def test_match_by_hand() -> None:
    """With two images of a class, the relative distance is that of the best over the other's."""
    draw = np.random.default_rng(0)
    image, *train = draw.integers(0, 256, (3, 2, 6, 7), np.uint8)  # too small for shifts
    distances = [
        np.sqrt(2 - 2 * np.corrcoef(image.ravel(), other.ravel())[0, 1]) for other in train
    ]
    found = match(image[None], np.array([4]), np.stack(train), np.array([4, 4]))
    assert found.relative == pytest.approx(min(distances) / max(distances), rel=1e-5)
    assert found.indices == np.argmin(distances)


@given(SEEDS, st.integers(-2, 2), st.integers(-2, 2), st.floats(0.3, 1), st.integers(0, 60))
@settings(max_examples=25)
def test_matches_survive_shifts_gain_and_offset(
    seed: int, down: int, right: int, gain: float, offset: int
) -> None:
    draw = np.random.default_rng(seed)
    train = draw.integers(0, 180, (30, 1, 16, 18), np.uint8)
    labels = np.arange(30) % 2
    moved = np.roll(train, (down, right), (2, 3))
    moved[0] = draw.integers(0, 180, (1, 16, 18))
    found = match((gain * moved + offset).round().astype(np.uint8), labels, train, labels)
    assert (found.indices[1:] == np.arange(1, 30)).all()
    assert (found.relative[1:] < 0.02).all()
    assert found.relative[0] > 0.8
    assert (found.indices % 2 == labels).all()


def test_matches_of_large_images_and_in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (25, 3, 9, 13), np.uint8)
    train = coarse.repeat(8, axis=2).repeat(8, axis=3)  # 72×104
    pixels = np.roll(train, (4, -3), (2, 3))
    labels = np.zeros(25, np.int64)
    at_once = match(pixels, labels, train, labels)
    assert (at_once.indices == np.arange(25)).all()
    assert (at_once.relative < 0.3).all()  # three pixels are one and a half after shrinking
    monkeypatch.setattr(copies, "MATCHES_AT_ONCE", 90)
    in_parts = match(pixels, labels, train, labels)
    assert in_parts.relative == pytest.approx(at_once.relative, abs=1e-3)
    assert (in_parts.indices == at_once.indices).all()


def test_flat_images_match_each_other_only() -> None:
    draw = np.random.default_rng(0)
    train = draw.integers(0, 256, (12, 1, 8, 8), np.uint8)
    train[3] = 200
    labels = np.zeros(12, np.int64)
    found = match(np.full((1, 1, 8, 8), 90, np.uint8), labels[:1], train, labels)
    assert (found.relative, found.indices) == (0, 3)
    nothing_but_flat = match(train[3:4], labels[:1], np.repeat(train[3:4], 12, axis=0), labels)
    assert nothing_but_flat.relative == 0


@pytest.mark.parametrize("change", COPIES)
def test_every_planted_copy_is_caught(world: World, change: Callable[[Pixels], Pixels]) -> None:
    found = near_copies(world.planted(change, 40), world.holdout, world.train)
    assert found.copies[:40].all()
    assert (found.synthetic.indices[:40] == np.arange(40)).mean() > 0.95
    assert found.copies[40:].mean() < 0.03
    assert found.holdout_share < 0.03


def test_two_pixels_are_no_hiding_place(fashion_images: World) -> None:
    twice = fashion_images.planted(lambda pixels: shifted(shifted(pixels)), 40)
    found = near_copies(twice, fashion_images.holdout, fashion_images.train)
    assert found.copies[:40].all()


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_near_duplicates_among_real_images_are_borne(digits_images: World, share: float) -> None:
    """If held-out images too repeat training images, it takes more copies to be suspicious."""
    world, n = digits_images, int(400 * share)
    pixels, labels = world.holdout.pixels.copy(), world.holdout.labels.copy()
    pixels[-n:], labels[-n:] = recoded(world.train.pixels[-n:]), world.train.labels[-n:]
    holdout = world.sample(pixels, labels)
    found = near_copies(world.planted(recoded, 40), holdout, world.train)
    assert found.copies[:40].all()
    assert found.holdout_share == pytest.approx(share, abs=0.03)
    assert copying(world.planted(recoded, n), holdout, world.train).reasons == ()
    assert copying(world.planted(recoded, 3 * n + 20), holdout, world.train).reasons


def test_too_few_rows_for_near_copies(digits_images: World) -> None:
    world = digits_images
    few = Sample(*(part[:19] for part in world.holdout))
    with pytest.raises(TooFewRowsError, match="at least 20 holdout images, not 19"):
        near_copies(world.healthy, few, world.train)
    first = world.train.labels[0]
    lonely = np.flatnonzero((world.train.labels != first) | (np.arange(900) == 0))
    with pytest.raises(TooFewRowsError, match=f"in class {first} needs at least 2 training"):
        near_copies(world.healthy, world.holdout, Sample(*(part[lonely] for part in world.train)))
