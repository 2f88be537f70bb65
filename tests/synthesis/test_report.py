"""What is looked at stands for all there is, in whatever order it comes."""

import numpy as np
import pandas as pd
import pytest

from gan_augment import table
from gan_augment.synthesis.report import Selection
from gan_augment.table import Images


def grey(levels: np.ndarray, method: str = "gan") -> Images:
    """Return an image of one class for each grey level."""
    pixels = np.broadcast_to(levels[:, None, None, None], (len(levels), 1, 8, 8)).astype(np.uint8)
    rows = pd.DataFrame({"group": [f"g{n // 10}" for n in range(len(levels))], "method": method})
    return Images(np.array(pixels), np.zeros(len(levels), np.int64), ("a",), rows)


def encoded(images: Images, method: str):
    fixed = {"split": "train", "origin": "synthetic", "method": method}
    return table.encode(images.pixels, images.labels, images.classes, **fixed)


def test_real_images_that_are_compared_are_as_bright_as_all_of_them() -> None:
    train, validation = grey(np.linspace(0, 250, 600)), grey(np.linspace(0, 250, 60))
    selection = Selection(train, validation, np.array([60]), 0)
    shown = selection.real(train, {0: 60})
    assert len(shown) == 60
    assert shown.mean() == pytest.approx(125, abs=5)


def test_what_a_fallback_made_is_looked_at_as_often_as_it_is_there() -> None:
    """The generator makes 30 images, the fallback the last 90; 40 are looked at."""
    real = grey(np.zeros(40))
    selection = Selection(real, real, np.array([120]), 0)
    selection.add(encoded(grey(np.full(30, 100)), "gan"))
    selection.add(encoded(grey(np.zeros(0)), "gan"))
    for _ in range(2):
        selection.add(encoded(grey(np.full(45, 200)), "smote"))
    (shown,) = selection.synthetic().values()
    assert len(shown) == 40
    assert (shown[:, 0, 0, 0] == 100).sum() == pytest.approx(10, abs=6)
    assert selection.made == {(0, "gan"): 30, (0, "smote"): 90}
