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
    exact_copy_search,
    match_search,
    near_copies,
)
from gan_augment.metrics.memorisation.copies import Matches, NearCopies, near_copy_search
from gan_augment.metrics.standard import standard
from tests.metrics.memorisation.worlds import COPIES, SEEDS, World, recoded, shifted

Pixels = NDArray[np.uint8]


def test_exact_copies() -> None:
    train = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 5), np.uint8)
    pixels = train[[4, 0, 8]].copy()
    pixels[1, 2, 3, 4] ^= 1
    assert exact_copy_search(train)(pixels).tolist() == [True, False, True]


def test_match_by_hand() -> None:
    """With two images of a class, the relative distance is that of the best over the other's."""
    draw = np.random.default_rng(0)
    image, *train = draw.integers(0, 256, (3, 2, 6, 7), np.uint8)  # too small for shifts
    distances = [
        np.sqrt(2 - 2 * np.corrcoef(image.ravel(), other.ravel())[0, 1]) for other in train
    ]
    found = match_search(np.stack(train), np.array([4, 4]))(image[None], np.array([4]))
    assert found.relative == pytest.approx(min(distances) / max(distances), rel=1e-5)
    assert found.indices == np.argmin(distances)


@pytest.mark.parametrize(
    ("height", "width", "shift"), [(7, 9, 0), (8, 15, 1), (16, 18, 2), (33, 40, 2)]
)
def test_match_of_every_shift_by_hand(height: int, width: int, shift: int) -> None:
    """The best of all places of the inner part; the next ones' mean is that of the two others."""
    image, *train = np.random.default_rng(0).integers(0, 256, (4, 3, height, width), np.uint8)
    rows, columns = height - 2 * shift, width - 2 * shift
    inner = image[:, shift : shift + rows, shift : shift + columns]
    distances = []
    for other in train:
        windows = (
            other[:, top : top + rows, left : left + columns]
            for top in range(2 * shift + 1)
            for left in range(2 * shift + 1)
        )
        best = max(np.corrcoef(inner.ravel(), window.ravel())[0, 1] for window in windows)
        distances.append(np.sqrt(2 - 2 * best))
    least, *others = sorted(distances)
    found = match_search(np.stack(train), np.zeros(3, np.int64))(image[None], np.array([0]))
    assert found.relative == pytest.approx(least / np.mean(others), rel=1e-5)
    assert found.indices == np.argmin(distances)


def test_the_next_ten_matches_count_and_no_more() -> None:
    """Of twelve vectors on a line at 1, 2, …, 12 the mean of 2 to 11 is 6½."""
    train = np.zeros((12, 2), np.float32)
    train[:, 0] = np.arange(1, 13)
    labels, query = np.zeros(12, np.int64), np.zeros((1, 2), np.float32)
    found = match_search(train, labels)(query, labels[:1])
    assert found.relative == pytest.approx(1 / 6.5)
    assert found.indices == 0


def test_features_are_apart_in_units_of_their_deviation() -> None:
    train = np.array([[0, 0], [3, 0], [0, 3000], [3, 3000]], np.float32)  # deviations 1.5, 1500
    labels = np.zeros(4, np.int64)
    found = match_search(train, labels)(np.array([[0, 1000]], np.float32), labels[:1])
    apart = [np.hypot(0, 2 / 3), np.hypot(2, 2 / 3), np.hypot(0, 4 / 3), np.hypot(2, 4 / 3)]
    assert found.relative == pytest.approx(apart[0] / np.mean(apart[1:]), rel=1e-5)
    assert found.indices == 0


def test_a_search_takes_the_deviation_of_all_training_images_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(copies, "standard", lambda rows: seen.append(len(rows)) or standard(rows))
    vectors, labels = np.random.default_rng(0).random((60, 4), np.float32), np.arange(60) % 2
    search = near_copy_search(vectors[:20], labels[:20], vectors[20:], labels[20:])
    for start in range(0, 20, 5):
        search(vectors[start : start + 5], labels[start : start + 5])
    assert seen == [40]


@pytest.mark.parametrize(("height", "width", "factor"), [(64, 71, 2), (63, 90, 1), (131, 143, 4)])
def test_large_images_are_shrunk_to_means_of_blocks(height: int, width: int, factor: int) -> None:
    """What does not fill a block is left out, means are cut off to whole numbers."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 3, height, width), np.uint8)
    inside = images[:, :, : height // factor * factor, : width // factor * factor].astype(int)
    corners = [inside[:, :, y::factor, x::factor] for y in range(factor) for x in range(factor)]
    small = (sum(corners) // factor**2).astype(np.uint8)
    labels = np.zeros(3, np.int64)
    found, expected = (
        match_search(size[1:], labels)(size[:1], labels[:1]) for size in (images, small)
    )
    assert found.relative == expected.relative
    assert found.indices == expected.indices


def test_images_are_flat_that_deviate_by_less_than_two() -> None:
    """A pattern of ±1 has half the length of one of ±100: ½² + 1² − 2 · ½ ρ apart."""
    along, across = np.tile([1, -1], 16).reshape(4, 8), np.tile([1, 1, -1, -1], 8).reshape(4, 8)
    patterns = (128 + along, 128 + 100 * along, 128 + 100 * across)
    image, *train = (pattern.astype(np.uint8)[None] for pattern in patterns)
    found = match_search(np.stack(train), np.zeros(2, np.int64))(image[None], np.array([0]))
    assert found.relative == pytest.approx(np.sqrt(0.25 / 1.25), rel=1e-4)


def test_the_same_images_are_no_distance_apart() -> None:
    train = np.random.default_rng(0).integers(0, 256, (40, 3, 20, 20), np.uint8)
    labels = np.zeros(40, np.int64)
    for same in (train, train.reshape(40, -1).astype(np.float32)):
        found = match_search(same, labels)(same, labels)
        assert found.relative == pytest.approx(np.zeros(40), abs=2e-3)
        assert found.indices.tolist() == list(range(40))


def test_shares_of_near_copies_by_hand() -> None:
    rows = np.zeros(4, np.int64)
    near = NearCopies(
        Matches(np.array([0.1, 0.2, 0.19, 0.3]), rows), Matches(np.array([0.2, 0.1]), rows[:2]), 0.2
    )
    assert near.copies.tolist() == [True, False, True, False]
    assert (near.share, near.holdout_share, near.beyond) == (0.5, 0.5, 0)
    assert near._replace(holdout=Matches(np.ones(2), rows[:2])).beyond == 0.5


def test_the_threshold_is_five_times_as_far_from_the_median_as_the_quartile() -> None:
    """Of held-out vectors whose relative distances are known."""
    train = np.array([[0.0], [1], [-1]], np.float32) / np.float32(np.sqrt(2 / 3))
    labels = np.zeros(3, np.int64)
    holdout = np.linspace(0.05, 0.45, 21, dtype=np.float32)[:, None] / np.float32(np.sqrt(2 / 3))
    real = match_search(train, labels)(holdout, np.zeros(21, np.int64)).relative
    found = near_copy_search(holdout, np.zeros(21, np.int64), train, labels)(
        holdout[:1], labels[:1]
    )
    quartile, median = real[5], real[10]
    assert found.threshold == pytest.approx(median * (quartile / median) ** 5)
    same = near_copy_search(train[[0] * 20], np.zeros(20, np.int64), train, labels)
    assert same(train[:1], labels[:1]).threshold == 0


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
    found = match_search(train, labels)((gain * moved + offset).round().astype(np.uint8), labels)
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
    at_once = match_search(train, labels)(pixels, labels)
    assert (at_once.indices == np.arange(25)).all()
    assert (at_once.relative < 0.3).all()  # three pixels are one and a half after shrinking
    monkeypatch.setattr(copies, "MATCHES_AT_ONCE", 90)
    in_parts = match_search(train, labels)(pixels, labels)
    assert in_parts.relative == pytest.approx(at_once.relative, abs=1e-3)
    assert (in_parts.indices == at_once.indices).all()


def test_flat_images_match_each_other_only() -> None:
    draw = np.random.default_rng(0)
    train = draw.integers(0, 256, (12, 1, 8, 8), np.uint8)
    train[3] = 200
    labels = np.zeros(12, np.int64)
    found = match_search(train, labels)(np.full((1, 1, 8, 8), 90, np.uint8), labels[:1])
    assert (found.relative, found.indices) == (0, 3)
    nothing_but_flat = match_search(np.repeat(train[3:4], 12, axis=0), labels)(
        train[3:4], labels[:1]
    )
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
