import numpy as np

from pipeline.evaluation.classic import transformed
from pipeline.params import ClassicParams
from pipeline.table import Images


def test_copies_differ_a_little_and_reproducibly(train_images: Images) -> None:
    pixels = train_images.pixels[:50]
    copies = transformed(pixels, ClassicParams(), seed=1)
    assert copies.shape == pixels.shape
    assert copies.dtype == np.uint8
    np.testing.assert_array_equal(copies, transformed(pixels, ClassicParams(), seed=1))
    assert not np.array_equal(copies, transformed(pixels, ClassicParams(), seed=2))
    own = np.abs(copies.astype(int) - pixels).mean()
    others = np.abs(copies.astype(int) - np.roll(pixels, 1, axis=0)).mean()
    assert 0 < own < others


def test_images_are_mirrored_only_if_allowed() -> None:
    """Digits and anything handed change their meaning in a mirror."""
    left = np.zeros((40, 1, 8, 8), np.uint8)
    left[..., :3] = 255
    still = ClassicParams(degrees=0, translate=0, scale=0)
    assert (transformed(left, still, 0) == left).all()
    mirrored = transformed(left, still.model_copy(update={"flip": True}), 0)
    assert 0 < (mirrored[:, 0, 0, 7] == 255).sum() < 40
