import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from gan_augment.ingest import series


def noise(n: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 48), np.uint8)


def frames(n: int, length: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return pictures of objects, `length` of each with some noise, one after the other."""
    objects = np.repeat(noise(-(-n // length), seed), length, axis=0)[:n].astype(int)
    return np.clip(objects + np.random.default_rng(seed).normal(0, 20, objects.shape), 0, 255)


def catalogue(n: int, classes: int = 2, **columns: object) -> pd.DataFrame:
    """Return images in a shuffled order, whose names are numbered without leading zeros."""
    rows = {
        "name": [f"{number % classes}/img_{number // classes}.png" for number in range(n)],
        "label": np.arange(n) % classes,
        "group": [str(number) for number in range(n)],
        **columns,
    }
    return pd.DataFrame(rows)


def by_class(
    pixels: Callable[[int, int], NDArray[np.uint8]], n: int, classes: int
) -> NDArray[np.uint8]:
    each = [pixels(n // classes, label) for label in range(classes)]
    return np.stack(each, axis=1).reshape(n, -1)


def test_frames_are_seen() -> None:
    thumbnails = by_class(lambda n, seed: frames(n, 8, seed), 240, 2)
    found = series.look(catalogue(240), thumbnails, 0)
    assert found.compared == 240
    assert found.p == 1 / 2000
    assert found.chance == pytest.approx(240 * 2 / 120, rel=0.1)
    assert len(found.pairs) > 40  # of 8 frames, 2 in 7 or a little less are neighbours
    one, other = found.pairs.T
    assert (np.abs(one - other) == 2).all()  # of two classes in turn
    assert found.seen


def test_the_order_is_natural_and_not_that_of_rows() -> None:
    images = catalogue(60, classes=1)
    shuffled = images.sample(frac=1, random_state=0).sort_index(key=lambda i: i)
    names = images["name"].sort_values().tolist()  # img_1, img_10, img_11
    thumbnails = by_class(lambda n, _: frames(n, 6), 60, 1)
    assert series.look(shuffled, thumbnails, 0).seen
    assert not series.look(images.assign(name=names[::-1]), noise(60), 0).seen


def test_groups_that_are_given_are_not_told_again() -> None:
    group = [f"{n % 2} {n // 2 // 8}" for n in range(240)]
    thumbnails = by_class(lambda n, seed: frames(n, 8, seed), 240, 2)
    found = series.look(catalogue(240, group=group), thumbnails, 0)
    assert not found.seen
    assert found.compared == 240


def test_no_alarm_where_names_say_nothing() -> None:
    images = catalogue(240)
    pixels = frames(240, 8)
    ps = []
    for seed in range(40):
        mixed = np.random.default_rng(seed).permutation(pixels)
        found = series.look(images, mixed, seed)
        assert not found.seen
        ps.append(found.p)
    assert np.mean(np.array(ps) <= 0.1) < 0.25


def test_a_few_alike_in_a_large_set_are_significant_but_no_alarm() -> None:
    pixels = noise(1000)
    for start in range(0, 300, 15):
        pixels[start + 1] = pixels[start] // 2 + 60
    found = series.look(catalogue(1000, classes=1), pixels, 0)
    assert found.p == 1 / 2000
    assert not found.seen


def test_many_images_are_compared_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_IMAGES", 40)
    monkeypatch.setattr(series, "MOST_CLASSES", 2)
    thumbnails = frames(300, 5)[np.arange(300) // 3]
    found = series.look(catalogue(300, classes=3), thumbnails, 0)
    assert found.compared == 80
    for label in range(2):
        mine = found.pairs[found.pairs[:, 0] % 3 == label]
        assert 60 < np.ptp(mine) < 3 * 40  # rows of a class are 3 apart
    assert found.seen
    assert series.look(catalogue(300, classes=3), thumbnails, 0).pairs.tolist() == (
        found.pairs.tolist()
    )


@pytest.mark.parametrize(("n", "group"), [(8, None), (20, ["a"] * 20)])
def test_with_too_few_images_nothing_is_compared(n: int, group: list[str] | None) -> None:
    columns = {} if group is None else {"group": group}
    found = series.look(catalogue(n, **columns), noise(20), 0)
    assert (found.compared, len(found.pairs), found.p) == (0, 0, 1)
    assert not found.seen


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([f"c/scan{n // 5}_{n % 5}.png" for n in range(40)], "{pattern: .*, which makes 8 groups"),
        ([f"c/scan {n // 5} ({n % 5}).png" for n in range(40)], "which makes 8 groups"),
        ([f"c/p{n // 5}/{n % 5}.png" for n in range(40)], "ingest.group: folder, which makes 8"),
        ([f"c/{n}.png" for n in range(40)], "^$"),
        ([f"x/{n:05d}" for n in range(40)], "^$"),
        ([f"c/scan{n}_0.png" for n in range(40)], "^$"),
    ],
)
def test_names_may_tell_groups(names: list[str], wanted: str) -> None:
    assert re.search(wanted, series.remedy(told(names, [0] * 40)))


def told(
    names: list[str], labels: list[int], splits: list[str] | None = None, level: int = 1
) -> pd.DataFrame:
    """Return images whose classes are folders of some level."""
    folders = ["/".join(name.split("/")[:-1]) for name in names]
    below = [folder if folder.count("/") >= level else None for folder in folders]
    given = pd.array([None] * len(names) if splits is None else splits, "string")
    return pd.DataFrame(
        {"name": names, "label": labels, "folder": pd.array(below, "string"), "given": given}
    )


def test_what_groups_by_split_and_class_is_no_remedy() -> None:
    places = [(s, c) for s in ("train", "valid", "test") for c in (0, 1) for _ in range(10)]
    splits, labels = map(list, zip(*places, strict=True))
    frames = [f"{s}/{c}/frame_{n % 10:02d}.jpg" for n, (s, c) in enumerate(places)]
    assert series.remedy(told(frames, labels, splits, level=2)) == ""
    films = [f"{s}/{c}/film{n % 10 // 5}_{n % 5}.jpg" for n, (s, c) in enumerate(places)]
    assert "which makes 12 groups" in series.remedy(told(films, labels, splits, level=2))
    below = [f"{s}/{c}/film{n % 10 // 5}/{n % 5}.jpg" for n, (s, c) in enumerate(places)]
    assert series.remedy(told(below, labels, splits, level=2)) == (
        ", such as ingest.group: folder, which makes 12 groups"
    )
