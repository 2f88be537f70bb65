"""Names that tell of series, and names that only look so."""

import random

import pytest

from gan_augment.project.series import PATTERNS, folders, groups, series


def of(*names: str) -> list[tuple[str, str]]:
    return [(name, name.split("/")[0]) for name in names]


def many(pattern: str, things: int = 8, pictures: int = 3) -> list[tuple[str, str]]:
    return of(
        *(pattern.format(c, i, j) for c in "ab" for i in range(things) for j in range(pictures))
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "{}/scan{}_{}.png",
        "{}/obj{}__{}.png",
        "{}/video{}_frame{:04d}.jpg",
        "{}/P{:03d}-view{}.png",
        "{}/sub/IMG_{}_{}.jpeg",
    ],
)
def test_several_pictures_of_a_thing(pattern: str) -> None:
    assert series(many(pattern))


def test_copies_by_their_suffix() -> None:
    assert series(of(*(f"a/{i:04d}_{how}.png" for i in range(9) for how in ("flip", "rot", "raw"))))
    draw = random.Random(0)
    names = [f"a/cat_{i}_jpg.rf.{draw.randbytes(8).hex()}.jpg" for i in range(9) for _ in range(3)]
    assert "rf" in str(series(of(*names)))


@pytest.mark.parametrize(
    "names",
    [
        [f"cardboard/cardboard{i}.jpg" for i in range(100)],
        [f"a/image_{i:04d}.jpg" for i in range(100)],
        [f"cat/cat.{i}.jpg" for i in range(100)],
        [f"7/7_{i:05d}.png" for i in range(100)],
        [f"7/{i:05d}_7.png" for i in range(100)],
        [f"n02085620/n02085620_{i}.JPEG" for i in range(100)],
        [f"a/batch{i // 100}_{i:04d}.png" for i in range(600)],
        [f"train/{i:05d}" for i in range(100)],
        [],
    ],
)
def test_running_numbers_are_no_series(names: list[str]) -> None:
    assert series(of(*names)) is None
    assert not folders(of(*names))


def test_a_folder_an_object() -> None:
    assert folders(many("{}/object {}/{}.png"))
    assert not folders(many("{}/session/{}{}.png"))
    assert not folders(many("{}/batch{}/{}.png", pictures=60))


def test_groups_of_a_pattern() -> None:
    names = of("a/scan1_0.png", "a/scan1_1.png", "a/scan2_0.png", "a/other.png", "b/scan1_0.png")
    *_, numbers = PATTERNS
    assert groups(names, numbers) == {"a": 3, "b": 1}
