import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import mannwhitneyu, norm
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from gan_augment.errors import UserError
from gan_augment.metrics import fidelity, memorisation
from gan_augment.metrics.fidelity import TooFewRowsError
from gan_augment.metrics.memorisation import (
    Copying,
    Sample,
    authenticity,
    copying,
    data_copying,
    distance_ratios,
    exact_copies,
    match,
    median_ratio,
    near_copies,
    nearest,
    nearest_of_class,
)
from gan_augment.table import picture

Pixels = NDArray[np.uint8]
SEEDS = st.integers(0, 2**32 - 1)


class World:
    """Real images split into train, held-out and, for a perfect generator, others."""

    def __init__(self, pixels: Pixels, labels: NDArray[np.int64], parts: list[int]) -> None:
        self.pca = PCA(40, random_state=0).fit(self._flat(pixels[: parts[0]]))
        ends = np.cumsum(parts)
        self.train, self.holdout, self.healthy = (
            self.sample(pixels[end - part : end], labels[end - part : end])
            for part, end in zip(parts, ends, strict=True)
        )

    def sample(self, pixels: Pixels, labels: NDArray[np.int64]) -> Sample:
        return Sample(pixels, labels, self.pca.transform(self._flat(pixels)))

    def planted(self, change: Callable[[Pixels], Pixels], n: int) -> Sample:
        """Return healthy images, the first n of which are changed training images."""
        pixels, labels = self.healthy.pixels.copy(), self.healthy.labels.copy()
        pixels[:n], labels[:n] = change(self.train.pixels[:n]), self.train.labels[:n]
        return self.sample(pixels, labels)

    @staticmethod
    def _flat(pixels: Pixels) -> NDArray[np.float64]:
        return pixels.reshape(len(pixels), -1) / 255.0


def digits_world(seed: int, parts: tuple[int, ...] = (900, 400, 400)) -> World:
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    pixels = (digits.images[order, None] / 16 * 255).round().astype(np.uint8)
    return World(pixels, digits.target[order].astype(np.int64), list(parts))


@pytest.fixture(scope="module")
def digits_images() -> World:
    return digits_world(0)


@pytest.fixture(scope="module")
def fashion_images(datasets: Path) -> World:
    folder = datasets / "fashion-mnist"
    pixels, labels = (
        np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=offset)
        for name, offset in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    return World(pixels.reshape(-1, 1, 28, 28), labels.astype(np.int64), [1000, 400, 400])


@pytest.fixture(params=["digits_images", "fashion_images"])
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


def unchanged(pixels: Pixels) -> Pixels:
    return pixels


def shifted(pixels: Pixels) -> Pixels:
    """Shift by a pixel down and left; what comes in is black."""
    moved = np.zeros_like(pixels)
    moved[:, :, 1:, :-1] = pixels[:, :, :-1, 1:]
    return moved


def recoded(pixels: Pixels, quality: int = 80) -> Pixels:
    copies = []
    for image in pixels:
        buffer = io.BytesIO()
        picture(image).save(buffer, "JPEG", quality=quality)
        copies.append(np.asarray(Image.open(buffer))[None])
    return np.stack(copies)


def brightened(pixels: Pixels) -> Pixels:
    return (pixels * 1.1 + 10).clip(0, 255).astype(np.uint8)


def all_at_once(pixels: Pixels) -> Pixels:
    return recoded(brightened(shifted(pixels)), 90)


COPIES = [unchanged, shifted, recoded, brightened, all_at_once]


def rows(seed: int, n: int = 60, features: int = 4) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, features))


# --- nearest -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m", "features"), [(70, 90, 5), (3, 400, 64), (200, 1, 2)])
def test_nearest_agrees_with_scikit_learn(
    n: int, m: int, features: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fidelity, "CHUNK", 1_000)  # several chunks
    queries, references = rows(0, n, features), rows(1, m, features) + 50
    theirs, indices = NearestNeighbors(n_neighbors=1).fit(references).kneighbors(queries)
    found = nearest(queries, references)
    assert found.distances == pytest.approx(theirs[:, 0], rel=1e-12)
    assert (found.indices == indices[:, 0]).all()


def test_nearest_other_and_nearest_of_a_class() -> None:
    line = np.array([[0.0], [1], [3], [7]])
    assert nearest(line, line).distances.tolist() == [0, 0, 0, 0]
    others = nearest(line, line, own=np.arange(4))
    assert others.distances.tolist() == [1, 1, 2, 4]
    assert others.indices.tolist() == [1, 0, 1, 2]
    found = nearest_of_class(
        np.array([[0.9], [0.9]]), np.array([5, 2]), line, np.array([5, 2, 2, 5])
    )
    assert found.indices.tolist() == [0, 1]
    assert found.distances == pytest.approx([0.9, 0.1])


@given(SEEDS)
def test_the_distance_of_a_copy_is_exactly_zero(seed: int) -> None:
    references = rows(seed, features=16) * 3 + 1e3
    found = nearest(references[::2], references)
    assert (found.distances == 0).all()
    assert (found.indices == np.arange(0, 60, 2)).all()


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(TooFewRowsError, match="at least 1 training images, not 0"):
        nearest(rows(0), rows(0, 0))
    with pytest.raises(UserError, match="class 7 has no training images"):
        nearest_of_class(rows(0, 2), np.array([1, 7]), rows(0, 2), np.array([1, 1]))
    assert len(nearest(rows(0, 0), rows(0)).distances) == 0


# --- ratio ---------------------------------------------------------------------------------------


def test_median_ratio_and_its_interval() -> None:
    draw = np.random.default_rng(0)
    near, far = draw.gamma(9, 1, 400), draw.gamma(9, 2, 400)
    found = median_ratio(near, far)
    assert found.value == np.median(near) / np.median(far)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.15
    assert found == median_ratio(near, far)
    with pytest.raises(TooFewRowsError, match="at least 20 holdout images, not 19"):
        median_ratio(near, far[:19])


def test_the_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(1).gamma(9, 1, (100, 2, 40))
    intervals = [median_ratio(*pair) for pair in draws]
    covered = sum(found.low <= 1 <= found.high for found in intervals)
    assert covered >= 88  # of 100, at 95 %


def test_distance_ratios_compare_equal_numbers_of_each_class() -> None:
    """The real images of class 1 are ten times as far apart, and the generator makes mostly those.

    It draws from the real distribution: no ratio may be far from 1.
    """
    draw = np.random.default_rng(0)

    def sample(counts: tuple[int, int, int]) -> Sample:
        labels = np.repeat([0, 1, 2], counts)
        features = draw.normal(size=(len(labels), 5)) * np.where(labels == 1, 10, 1)[:, None]
        return Sample(np.zeros((len(labels), 1, 1, 1), np.uint8), labels, features)

    overall, classes = distance_ratios(
        sample((60, 400, 60)), sample((200, 50, 10)), sample((100, 100, 100))
    )
    assert overall.rows == 60 + 50 + 10
    assert {label: found.rows for label, found in classes.items()} == {0: 60, 1: 50}
    assert all(0.75 < found.value < 1.33 for found in (overall, *classes.values()))


@given(SEEDS, st.floats(0.01, 100))
@settings(max_examples=10)
def test_a_ratio_has_no_unit(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.gamma(9, 1, (2, 30))
    assert median_ratio(scale * x, scale * y) == pytest.approx(median_ratio(x, y))


# --- C_T -----------------------------------------------------------------------------------------


def test_data_copying_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cells, about 0 and 100; distances 1, 3 against 2, 4, 5 and 6 against 7, then without."""
    monkeypatch.setattr(memorisation, "CELL_ROWS", 1)
    train = np.array([[0.0], [0.0], [100.0]])
    synthetic = np.array([[1.0], [-3], [106]])
    holdout = np.array([[2.0], [-4], [5], [93]])
    # Synthetic is farther in one pair of six, 3 > 2: U 1, mean 3, variance 6 · 6 / 12.
    # In the other cell in none of one: U 0, mean ½, variance 3 / 12.
    first, second = (1 - 3) / np.sqrt(3), (0 - 0.5) / np.sqrt(0.25)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(
        3 / 4 * first + 1 / 4 * second
    )
    monkeypatch.setattr(memorisation, "CELL_ROWS", 2)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(first)
    # All together: of 1, 3, 6 against 2, 4, 5, 7 four pairs of twelve.
    monkeypatch.setattr(memorisation, "CELL_ROWS", 3)
    assert data_copying(synthetic, holdout, train, cells=2) == pytest.approx(
        (4 - 6) / np.sqrt(12 * 8 / 12)
    )


@given(SEEDS)
@settings(max_examples=20)
def test_data_copying_of_one_cell_agrees_with_scipy(seed: int) -> None:
    synthetic, holdout, train = rows(seed, 40), rows(seed + 1, 30) * 1.1, rows(seed + 2, 80)
    test = mannwhitneyu(
        *(nearest(part, train).distances for part in (synthetic, holdout)),
        alternative="less",
        use_continuity=False,
        method="asymptotic",
    )
    assert norm.cdf(data_copying(synthetic, holdout, train, 1)) == pytest.approx(test.pvalue)


def test_data_copying_of_a_perfect_generator_is_about_standard_normal() -> None:
    values = [
        data_copying(rows(seed, 200), rows(seed + 1000, 200), rows(seed + 2000, 300))
        for seed in range(50)
    ]
    assert abs(np.mean(values)) < 0.45
    assert np.std(values) < 1.1
    assert min(values) > memorisation.DATA_COPYING


@given(SEEDS)
@settings(max_examples=10)
def test_data_copying_tells_copies_from_underfitting(seed: int) -> None:
    draw = np.random.default_rng(seed)
    train, holdout, other = draw.normal(size=(3, 200, 4))
    copies = train[draw.integers(200, size=200)] + draw.normal(0, 0.01, (200, 4))
    assert data_copying(copies, holdout, train) < -8
    assert data_copying(2 * other, holdout, train) > 4
    # A few cells hold all of a collapsed generator, perhaps none with enough of both sets.
    assert data_copying(np.full((200, 4), 50.0), holdout, train) > 8


def test_too_few_rows_for_data_copying() -> None:
    with pytest.raises(TooFewRowsError, match="at least 20 synthetic images, not 19"):
        data_copying(rows(0, 19), rows(1), rows(2))
    with pytest.raises(TooFewRowsError, match="at least 5 training images, not 4"):
        data_copying(rows(0), rows(1), rows(2, 4), cells=5)


# --- authenticity and exact copies ---------------------------------------------------------------


def test_authenticity_by_hand() -> None:
    """The training images' own neighbours are 1, 1, 2 and 4 away."""
    train = np.array([[0.0], [1], [3], [7]])
    synthetic = np.array([[-0.5], [-1.5], [3.9], [10], [12], [7]])
    # 0.5 ≤ 1, 1.5 > 1, 0.9 ≤ 2, 3 ≤ 4, 5 > 4, 0 ≤ 4
    assert authenticity(synthetic, train) == 2 / 6


@given(SEEDS)
def test_authenticity_of_copies_and_of_images_far_away(seed: int) -> None:
    train = rows(seed)
    assert authenticity(train, train) == 0
    assert authenticity(train + 100, train) == 1
    with pytest.raises(TooFewRowsError, match="at least 2 training images"):
        authenticity(train, train[:1])


@given(SEEDS, st.floats(0.1, 10))
@settings(max_examples=20)
def test_order_place_and_scale_of_features_do_not_matter(seed: int, scale: float) -> None:
    synthetic, holdout, train = rows(seed), rows(seed + 1), rows(seed + 2)
    moved = [scale * part[::-1] + 3 for part in (synthetic, holdout, train)]
    assert authenticity(moved[0], moved[2]) == authenticity(synthetic, train)
    assert data_copying(*moved) == pytest.approx(data_copying(synthetic, holdout, train))


def test_exact_copies() -> None:
    train = np.random.default_rng(0).integers(0, 256, (9, 3, 4, 5), np.uint8)
    pixels = train[[4, 0, 8]].copy()
    pixels[1, 2, 3, 4] ^= 1
    assert exact_copies(pixels, train).tolist() == [True, False, True]


# --- near copies ---------------------------------------------------------------------------------


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
    monkeypatch.setattr(memorisation, "MATCHES_AT_ONCE", 90)
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


# --- the verdict ---------------------------------------------------------------------------------


def close_to_the_floor(found: Copying) -> bool:
    return (
        found.exact == found.holdout_exact == 0
        and abs(found.near.share - found.near.holdout_share) < memorisation.NEAR_COPIES
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
