import numpy as np
import pytest
import torch

from gan_augment.errors import UserError
from gan_augment.evaluation.classic import POLICIES, affine, transformed
from gan_augment.params import ClassicParams
from gan_augment.table import Images

STILL = ClassicParams(degrees=0, translate=0, scale=0)


@pytest.mark.parametrize("policy", POLICIES)
def test_copies_differ_a_little_and_reproducibly(policy: str, train_images: Images) -> None:
    pixels = train_images.pixels[:50]
    params = ClassicParams(policy=policy)
    copies = transformed(pixels, params, seed=1)
    assert copies.shape == pixels.shape
    assert copies.dtype == np.uint8
    np.testing.assert_array_equal(copies, transformed(pixels, params, seed=1))
    assert not np.array_equal(copies, transformed(pixels, params, seed=2))
    own = np.abs(copies.astype(int) - pixels).mean()
    others = np.abs(copies.astype(int) - np.roll(pixels, 1, axis=0)).mean()
    assert 0 < own < others


@pytest.mark.parametrize("policy", ["affine", "strong-affine", "gentle-affine"])
def test_images_are_mirrored_only_if_allowed(policy: str) -> None:
    """Digits and anything handed change their meaning in a mirror."""
    left = np.zeros((40, 1, 8, 8), np.uint8)
    left[..., :3] = 255
    still = STILL.model_copy(update={"policy": policy})
    assert (transformed(left, still, 0) == left).all()
    mirrored = transformed(left, still.model_copy(update={"flip": True}), 0)
    assert 0 < (mirrored[:, 0, 0, 7] == 255).sum() < 40
    np.testing.assert_array_equal(
        np.sort(mirrored.reshape(40, -1), axis=1), np.sort(left.reshape(40, -1), axis=1)
    )


def test_every_image_is_moved_by_itself_and_within_bounds() -> None:
    """A dot in the middle goes no further than the bound, and not everywhere the same way."""
    dots = torch.zeros(200, 1, 33, 33, dtype=torch.uint8)
    dots[:, 0, 16, 16] = 255
    torch.manual_seed(0)
    moved = affine(dots, STILL.model_copy(update={"translate": 0.2}))
    weights = moved[:, 0].double()
    places = torch.arange(33) - 16.0
    across = (weights.sum(1) * places).sum(1) / weights.sum((1, 2))
    down = (weights.sum(2) * places).sum(1) / weights.sum((1, 2))
    for shift in (across, down):
        assert shift.abs().max() <= 0.2 * 33 + 0.1
        assert shift.min() < -5
        assert shift.max() > 5
    assert abs(np.corrcoef(across, down)[0, 1]) < 0.25


def test_a_turn_keeps_lengths_in_images_that_are_not_square() -> None:
    dots = torch.zeros(100, 1, 41, 81, dtype=torch.uint8)
    dots[:, 0, 20, 60] = 255  # twenty from the middle
    torch.manual_seed(0)
    turned = affine(dots, STILL.model_copy(update={"degrees": 45.0}))[:, 0].double()
    total = turned.sum((1, 2))
    x = (turned.sum(1) * (torch.arange(81) - 40.0)).sum(1) / total
    y = (turned.sum(2) * (torch.arange(41) - 20.0)).sum(1) / total
    assert ((x**2 + y**2).sqrt() - 20).abs().max() < 1
    assert y.abs().max() > 10


def test_a_rectangle_of_some_images_is_erased() -> None:
    white = np.full((300, 1, 28, 28), 255, np.uint8)
    erased = transformed(white, STILL.model_copy(update={"policy": "erasing"}), 0)
    black = (erased == 0).reshape(300, -1).mean(axis=1)
    assert 0.4 < (black > 0).mean() < 0.6
    assert black.max() < 0.25
    assert set(np.unique(erased)) == {0, 255}


def test_a_policy_that_does_not_exist_is_refused(train_images: Images) -> None:
    with pytest.raises(UserError, match=r"classic.policy = 'affin': did you mean 'affine'"):
        transformed(train_images.pixels[:1], ClassicParams(policy="affin"), 0)
