"""What is looked at stands for all there is, in whatever order it comes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_augment import table
from gan_augment.gan.model import Model
from gan_augment.gan.networks import Shape, build
from gan_augment.metrics.features import Features
from gan_augment.params import GenerateParams
from gan_augment.synthesis.report import Selection, _candidates
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


def test_images_that_the_generator_was_chosen_by_are_not_those_that_are_judged() -> None:
    """Training draws from its own seed, by default the same number as that of `generate`."""
    real = grey(np.zeros(40))
    selection = Selection(real, real, np.array([40]), 0)
    selection.add(encoded(real, "gan"))
    torch.manual_seed(0)
    shape = Shape(1, (8, 8), 1, 16, 8, 32)
    generator, critic = (half.eval() for half in build("mlp", shape))
    model = Model(generator, critic, "mlp", shape, real.classes, True, "5" * 16)
    params = GenerateParams(seed=7)
    network: Any = lambda pixels: Features(pixels[:, 0, 0], None)  # noqa: E731
    judged = _candidates(selection, params, model, network)
    chosen_by = {image.tobytes() for image in model.draw(0, range(40), params.seed)}
    assert len(chosen_by) == len(judged.pixels) == 40
    assert chosen_by.isdisjoint(image.tobytes() for image in judged.pixels)
