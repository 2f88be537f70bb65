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


def test_a_sheet_has_a_row_for_each_class(random_images: Callable[..., table.Images]) -> None:
    picture = pictures.sheet(random_images(n=9, classes=3))
    assert picture is not None
    kind, content = picture.url.split(",")
    assert kind == "data:image/png;base64"
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert image.size == (picture.width, picture.height)
    width, height = (12 * 9 + 1, 3 * 9 + 1)
    assert image.width * height == image.height * width


def test_a_row_shows_the_whole_class_and_not_its_first_images() -> None:
    levels = np.linspace(0, 250, 240).astype(np.uint8)
    pixels = np.array(np.broadcast_to(levels[:, None, None, None], (240, 1, 8, 8)))
    images = table.Images(pixels, np.zeros(240, np.int64), ("a",), pd.DataFrame(index=range(240)))
    picture = pictures.sheet(images)
    assert picture is not None
    content = base64.b64decode(picture.url.split(",")[1])
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    scale = picture.height // 10
    shown = sheet[5 * scale, 5 * scale :: 9 * scale]
    assert len(shown) == 12
    assert shown.mean() == pytest.approx(125, abs=40)


def test_nothing_to_show_is_no_picture(
    random_images: Callable[..., table.Images], tmp_path: Path
) -> None:
    images = random_images(n=3)
    none = table.Images(images.pixels[:0], np.zeros(0, np.int64), images.classes, images.rows[:0])
    assert pictures.sheet(none) is None
    assert pictures.of_file(tmp_path / "gone.png") is None
