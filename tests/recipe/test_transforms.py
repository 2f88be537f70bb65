"""Torchvision's words for the policies: the same as those that the comparison uses."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from gan_augment.errors import UserError
from gan_augment.evaluation import classic
from gan_augment.params import ClassicParams
from gan_augment.recipe import transforms


def params(policy: str, **values: object) -> ClassicParams:
    return ClassicParams.model_validate({"policy": policy, **values})


def test_every_policy_has_words() -> None:
    assert list(transforms.POLICIES) == list(classic.POLICIES)


@pytest.mark.parametrize("policy", transforms.POLICIES)
@pytest.mark.parametrize("flip", [False, True])
def test_the_code_makes_what_is_built(policy: str, flip: bool) -> None:
    found = params(policy, flip=flip, translate=0.3, scale=0.7)
    built = transforms.build(found)
    assert repr(eval(transforms.code(found), {"torch": torch, "v2": v2})) == repr(built)
    assert ("RandomHorizontalFlip" in repr(built)) == flip
    for mode, channels in (("L", 1), ("RGB", 3)):
        made = built(Image.new(mode, (12, 8), 200 if mode == "L" else (200, 0, 9)))
        assert (made.dtype, made.shape) == (torch.float32, (channels, 8, 12))
        assert 0 <= made.min() <= made.max() <= 1


def test_without_a_policy_images_stay_what_they_are() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    found = transforms.build(None)(Image.fromarray(pixels))
    np.testing.assert_array_equal((found[0] * 255).round().numpy(), pixels)
    with pytest.raises(UserError, match="policy = 'afine': did you mean 'affine'"):
        transforms.build(params("afine"))


@pytest.mark.parametrize("policy", ["affine", "gentle-affine", "strong-affine", "erasing"])
def test_it_does_to_images_what_the_comparison_does(policy: str) -> None:
    """Of many copies of a picture without symmetries, mean and deviation of each pixel agree."""
    pixels = np.zeros((1, 28, 28), np.uint8)
    pixels[0, 4:24, 6:12] = 255
    pixels[0, 18:24, 6:22] = 160
    found = params(policy, degrees=15.0, flip=True)
    copies = np.repeat(pixels[None], 3000, 0)
    ours = classic.transformed(copies, found, 0).astype(float) / 255
    torch.manual_seed(0)
    transform, picture = transforms.build(found), Image.fromarray(pixels[0])
    theirs = np.stack([transform(picture).numpy() for _ in range(1000)])
    untouched = pixels / 255
    for measure in (np.mean, np.std):
        one, other = (measure(images, axis=0) for images in (ours, theirs))
        assert np.abs(one - other).max() < 0.12
        assert np.abs(one - other).mean() < 0.02
    assert np.abs(np.mean(ours, axis=0) - untouched).max() > 0.2
