import numpy as np
import torch

from gan_augment.gan.networks import Shape, build
from gan_augment.gan.sampling import BLOCK, normal, sample


def generator() -> torch.nn.Module:
    torch.manual_seed(0)
    return build("mlp", Shape(1, (8, 8), 3, 5, 4, 32))[0]


def test_an_image_does_not_depend_on_its_company() -> None:
    whole = sample(generator(), 5, 1, range(2 * BLOCK + 9), seed=3)
    assert whole.shape == (2 * BLOCK + 9, 1, 8, 8)
    assert whole.dtype == np.uint8
    for indices in (range(1), range(5, 12), range(BLOCK - 1, BLOCK + 1), range(250, 265)):
        np.testing.assert_array_equal(
            sample(generator(), 5, 1, indices, seed=3), whole[indices.start : indices.stop]
        )


def test_seed_and_class_decide() -> None:
    base = sample(generator(), 5, 1, range(4), seed=3)
    assert not np.array_equal(base, sample(generator(), 5, 2, range(4), seed=3))
    assert not np.array_equal(base, sample(generator(), 5, 1, range(4), seed=4))


def test_truncation_bounds_the_latents_and_none_leaves_them_normal() -> None:
    free = normal((2000, 5), None, 3, "latent")
    assert 0.97 < free.std() < 1.03
    bound = normal((2000, 5), 0.5, 3, "latent")
    assert np.abs(bound).max() <= 0.5
    assert bound.std() > 0.25
    assert bound.dtype == free.dtype == np.float32


def test_truncated_images_are_their_own() -> None:
    plain, truncated = (
        sample(generator(), 5, 1, range(3), seed=3, truncation=bound) for bound in (None, 0.5)
    )
    assert not np.array_equal(plain, truncated)


def test_no_images_have_a_shape_too() -> None:
    for indices in (range(0), range(BLOCK, BLOCK), range(7, 7)):
        assert sample(generator(), 5, 1, indices, seed=3).shape == (0, 1, 8, 8)
