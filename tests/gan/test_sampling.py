import numpy as np
import pytest
import torch

from gan_augment.gan.networks import Shape, build
from gan_augment.gan.networks.codec import PixelCodec
from gan_augment.gan.sampling import BLOCK, logits, normal, render, sample


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


class Watched(torch.nn.Module):
    """Says the mean of an image plus its label, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.codec = PixelCodec()
        self.asked: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.asked.append(x[:, 0, 0, 0])
        return x.flatten(1).mean(dim=1) + y


@pytest.mark.parametrize(
    ("samples", "batches"), [(1, [4]), (4, [4]), (256, [256]), (518, [256, 256, 8])]
)
def test_logits_are_asked_for_in_whole_groups(samples: int, batches: list[int]) -> None:
    """Levels go from −1 to 1; the last group is filled up with the first samples."""
    levels = np.arange(samples) % 256
    images = np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (samples, 1, 2, 2))
    labels = np.arange(samples) % 3
    discriminator = Watched()
    said = logits(discriminator, images.copy(), labels)
    np.testing.assert_allclose(said, levels / 127.5 - 1 + labels, atol=1e-6)
    assert said.dtype == np.float64
    assert [len(part) for part in discriminator.asked] == batches
    padding = torch.cat(discriminator.asked)[samples:]
    torch.testing.assert_close(padding, torch.arange(len(padding)) % samples / 127.5 - 1)


def test_a_block_is_128_latents_of_its_own_stream() -> None:
    made, z = generator(), normal((128, 5), None, 3, "latent", 1, 1)
    expected = render(made, z, np.full(128, 1))
    np.testing.assert_array_equal(sample(made, 5, 1, range(128, 256), seed=3), expected)
