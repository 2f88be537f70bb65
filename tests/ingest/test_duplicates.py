import io
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sklearn.datasets import load_digits

from gan_augment.ingest import duplicates
from gan_augment.ingest.duplicates import (
    RADIUS,
    clusters,
    components,
    difference_hashes,
    near_pairs,
    thumbnails,
)


def described(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of uint8 N×C×H×W images, their hashes and thumbnails."""
    small = thumbnails(pixels)
    grey = small.mean(axis=1).round().astype(np.uint8)
    return np.arange(len(pixels)), difference_hashes(grey), small.reshape(len(small), -1)


def alike(hashes: np.ndarray) -> np.ndarray:
    """Return the pairs of images with such hashes, and thumbnails that are all the same."""
    return near_pairs(np.arange(len(hashes)), hashes, np.zeros((len(hashes), 1), np.uint8), 1.0)


@given(
    hnp.arrays(np.uint64, st.integers(0, 60)),
    st.lists(
        st.tuples(st.integers(0, 59), st.lists(st.integers(0, 63), max_size=RADIUS + 2)),
        max_size=20,
    ),
)
def test_candidates_are_all_pairs_within_the_radius(
    hashes: np.ndarray, flips: list[tuple[int, list[int]]]
) -> None:
    near = [
        int(hashes[row]) ^ sum(1 << bit for bit in set(bits))
        for row, bits in flips
        if row < len(hashes)
    ]
    hashes = np.concatenate([hashes, np.array(near, np.uint64)])
    found = [(i, j) for i, j in alike(hashes).tolist()]
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])
    wanted = {(i, j) for i, j in np.argwhere(apart <= RADIUS).tolist() if i < j}
    assert found == sorted(wanted)


@given(st.lists(st.integers(4, 16), min_size=2, max_size=2).map(sorted), st.data())
def test_difference_hashes_are_those_of_imagehash(size: list[int], data: st.DataObject) -> None:
    """Of pictures that are not higher than wide: of others Pillow shrinks the height first."""
    pictures = data.draw(hnp.arrays(np.uint8, (3, *size)))
    for picture, value in zip(pictures, difference_hashes(pictures), strict=True):
        bits = np.packbits(imagehash.dhash(Image.fromarray(picture)).hash)
        assert int.from_bytes(bits.tobytes(), "little") == value


def test_a_hash_that_all_images_share_costs_no_square_of_time() -> None:
    rows, hashes = np.arange(20_000), np.zeros(20_000, np.uint64)
    levels = np.stack([rows % 256, rows // 256], axis=1).astype(np.uint8)  # no two are the same
    began = time.process_time()
    assert not len(near_pairs(rows, hashes, levels, 0.5))
    assert time.process_time() - began < 10
    assert len(alike(hashes[:2_000])) == sum(2_000 - ahead for ahead in range(1, 251))


def test_of_many_images_that_share_a_hash_those_of_one_level_are_compared() -> None:
    """Samples of one colour each, shuffled, and copies of the first hundred, a level brighter."""
    colours = np.random.default_rng(0).integers(0, 255, (1500, 3))
    colours = np.concatenate([colours, colours[:100] + 1]).astype(np.uint8)
    rows, hashes, small = described(np.tile(colours[..., None, None], (1, 1, 16, 16)))
    assert len(np.unique(hashes)) == 1
    found = {(i, j) for i, j in near_pairs(rows, hashes, small, 4.0).tolist()}
    assert {(i, 1500 + i) for i in range(100)} <= found


def test_sixty_thousand_hashes_take_seconds() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63, 60_000).astype(np.uint64)
    hashes[30_000:] = hashes[:30_000] ^ np.uint64(0b1001)
    began = time.process_time()
    assert len(alike(hashes)) >= 30_000
    assert time.process_time() - began < 10


def test_thumbnails_are_means_of_blocks() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 40, 64), np.uint8)
    small = thumbnails(pixels)
    assert small.shape == (2, 3, 13, 16)
    assert small[1, 2, 3, 4] == round(pixels[1, 2, 9:12, 16:20].mean())
    np.testing.assert_array_equal(thumbnails(pixels[:, :, :8, :8]), pixels[:, :, :8, :8])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_components_are_what_chains_connect(edges: list[tuple[int, int]]) -> None:
    found = components(10, np.array(edges, np.int64).reshape(-1, 2))
    linked = np.eye(10, dtype=bool)
    for i, j in edges:
        linked[i, j] = linked[j, i] = True
    for _ in range(10):
        linked = linked @ linked
    np.testing.assert_array_equal(found[:, None] == found[None], linked)


@pytest.fixture(scope="module")
def photos(datasets: Path) -> list[Image.Image]:
    files = sorted((datasets / "trashnet-150").rglob("*.jpg"))[::25]
    return [Image.open(file).convert("RGB") for file in files]


def small(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo.resize((32, 32), Image.Resampling.LANCZOS)).transpose(2, 0, 1)


def jpeg(photo: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        (partial(jpeg, quality=60), 0.95),
        (partial(jpeg, quality=40), 0.9),
        (lambda photo: photo.resize((110, 110)), 0.95),
    ],
    ids=["JPEG 60", "JPEG 40", "resized"],
)
def test_changed_copies_of_photographs_are_found_and_others_are_not(
    photos: list[Image.Image], change: Callable[[Image.Image], Image.Image], share: float
) -> None:
    pixels = np.stack([small(p) for p in photos] + [small(change(p)) for p in photos])
    pairs = near_pairs(*described(pixels), 4.0)
    n = len(photos)
    found = {(i, j) for i, j in pairs.tolist()}
    copies = {(i, i + n) for i in range(n)}
    assert len(found & copies) >= share * n
    assert not found - copies


def test_no_handwritten_digit_is_taken_for_another() -> None:
    pixels = (load_digits().images * (255 / 16)).round().astype(np.uint8)[:, None]
    assert not len(near_pairs(*described(pixels), 4.0))


def test_clusters_join_exact_and_near_duplicates() -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 246, (6, 1, 16, 16)).astype(np.uint8)
    pixels[3] = pixels[0] + 1
    _, hashes, small = described(pixels)
    ids = ["d", "b", "d", "a", "e", "b"]
    together = clusters(ids, hashes, small, 4.0)
    assert together[0] == together[2] == together[3]
    assert together[1] == together[5]
    assert len(set(together.tolist())) == 3
    exact = clusters(ids, None, None, None)
    assert exact[0] == exact[2] != exact[3]


def test_the_pixel_check_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two images of one shape in two colours have one hash and are no duplicates."""
    shape = np.random.default_rng(0).integers(0, 100, (16, 16)).astype(np.uint8)
    red = np.stack([shape + 150, shape, shape])
    blue = red[::-1].copy()
    rows, hashes, small = described(np.stack([red, blue]))
    assert hashes[0] == hashes[1]
    assert not len(near_pairs(rows, hashes, small, 4.0))
    monkeypatch.setattr(duplicates, "_PAIRS", 1)
    assert len(near_pairs(rows, hashes, small, 255.0)) == 1
