import numpy as np
import pytest
import torch

from gan_augment.errors import UserError
from gan_augment.gan.model import Model
from gan_augment.gan.networks import Shape, build
from gan_augment.synthesis import pictures
from gan_augment.synthesis.pictures import _great_circle


def untrained(conditional: bool = True) -> Model:
    torch.manual_seed(0)
    shape = Shape(1, (8, 8), 3, 5, 4, 16)
    return Model(*build("mlp", shape), "mlp", shape, ("a", "b", "c"), conditional, "hash")


@pytest.mark.parametrize("draw", [pictures.grid, pictures.interpolation])
def test_a_row_a_class_and_five_of_a_single_one(draw) -> None:  # type: ignore[no-untyped-def]
    for model, name, rows in (
        (untrained(), None, 3),
        (untrained(), "b", 5),
        (untrained(conditional=False), None, 5),
    ):
        sheet = draw(model, name, 4, seed=0)
        images = (4 * 58 + 2, rows * 58 + 2)
        assert sheet.height == images[1]
        assert (sheet.width > images[0]) == model.conditional  # names of classes


def test_seed_and_truncation_decide() -> None:
    sheets = [
        np.asarray(pictures.grid(untrained(), None, 4, seed=seed, truncation=bound))
        for seed, bound in ((0, None), (0, None), (1, None), (0, 0.5))
    ]
    assert np.array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0], sheets[3])


def test_a_great_circle_keeps_its_ends_its_radius_and_its_pace() -> None:
    start, end = np.float32([2, 0, 0]), np.float32([0, 2, 0])
    path = _great_circle(start, end, 5)
    np.testing.assert_allclose(path[[0, -1]], [start, end], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 2, rtol=1e-6)
    paces = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(paces, paces[0], rtol=1e-5)


def test_an_unknown_class_is_told() -> None:
    with pytest.raises(UserError, match=r"--class 'd': .*allowed: a, b, c"):
        pictures.grid(untrained(), "d", 4, seed=0)
