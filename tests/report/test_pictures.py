import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gan_augment import table
from gan_augment.report import pictures


def test_real_and_synthetic_images_of_a_class_stand_side_by_side(
    random_images: Callable[..., table.Images],
) -> None:
    real = random_images(n=30, classes=3)
    found = pictures.strips(real, real.select(real.labels == 1))
    assert [row.name for row in found] == ["c0", "c1", "c2"]
    assert [row.synthetic is not None for row in found] == [False, True, False]
    assert len({row.real.width for row in found if row.real}) == 1
    first = found[0].real
    assert first is not None
    kind, content = first.url.split(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (first.width, first.height)


def test_a_strip_shows_the_whole_class_and_not_its_first_images() -> None:
    levels = np.linspace(0, 250, 240).astype(np.uint8)
    pixels = np.array(np.broadcast_to(levels[:, None, None, None], (240, 1, 8, 8)))
    images = table.Images(pixels, np.zeros(240, np.int64), ("a",), pd.DataFrame(index=range(240)))
    (row,) = pictures.strips(images, images)
    assert row.real is not None
    content = base64.b64decode(row.real.url.split(",")[1])
    strip = np.asarray(Image.open(io.BytesIO(content)))
    shown = strip[30, 30::58]
    assert len(shown) == 6
    assert shown.mean() == pytest.approx(125, abs=50)
    assert np.ptp(shown) > 100


@pytest.mark.parametrize(("side", "shown", "columns"), [(8, 56, 6), (32, 64, 5), (300, 86, 4)])
def test_two_strips_fit_on_a_page_whatever_the_size_of_images(
    side: int, shown: int, columns: int, random_images: Callable[..., table.Images]
) -> None:
    images = random_images(n=20, classes=2, shape=(1, side, side))
    (row, _) = pictures.strips(images, images)
    assert row.real is not None
    assert row.real.width == columns * (shown + 2) + 2
    assert row.real.height == pytest.approx(shown + 4, abs=1)


def test_a_class_with_few_images_has_a_short_strip(
    random_images: Callable[..., table.Images],
) -> None:
    (row,) = pictures.strips(*[random_images(n=n, classes=1) for n in (30, 2)])
    assert row.real is not None
    assert row.synthetic is not None
    assert row.synthetic.width == 2 + (row.real.width - 2) * 2 // 6


def test_wide_pictures_of_other_stages_are_reduced(tmp_path: Path) -> None:
    Image.new("L", (4000, 1000)).save(tmp_path / "wide.png")
    found = pictures.of_file(tmp_path / "wide.png")
    assert found is not None
    assert found[1:] == (1280, 320)


def test_a_picture_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert pictures.of_file(tmp_path / "gone.png") is None
