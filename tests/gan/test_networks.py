import pytest
import torch

from pipeline.errors import UserError
from pipeline.gan.networks import NETWORKS, Shape, recipe
from pipeline.params import TrainParams


def shape(channels: int, height: int, width: int) -> Shape:
    return Shape(channels, height, width, classes=3, latent_dim=5, embedding_dim=4, width=8)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 8, 8), (3, 28, 28), (3, 16, 24), (1, 20, 12)])
def test_generator_and_discriminator_fit_the_images(name: str, size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]
    y = torch.tensor([0, 1, 2, 2])
    images = network.generator(shape(*size))(torch.randn(4, 5), y)
    assert images.shape == (4, *size)
    assert images.abs().max() <= 1
    assert network.discriminator(shape(*size))(images, y).shape == (4,)


@pytest.mark.parametrize("name", NETWORKS)
def test_both_halves_hear_the_label(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]
    generator, discriminator = (
        network.generator(shape(1, 8, 8)),
        network.discriminator(shape(1, 8, 8)),
    )
    z = torch.randn(1, 5).repeat(2, 1)
    images = generator(z, torch.tensor([0, 1]))
    assert not torch.equal(images[0], images[1])
    one, two = discriminator(images[:1].repeat(2, 1, 1, 1), torch.tensor([0, 1]))
    assert one != two


def test_residual_blocks_start_as_the_identity() -> None:
    """Fixup: with the last layer of a block at zero, depth changes nothing at the start."""
    from pipeline.gan.networks.resnet import _Block

    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(_Block(8, scale=0.5)(x), x)


def test_sizes_that_do_not_halve_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"images of 150×150 pixels halve only to 75×75; set ingest"
    ):
        NETWORKS["resnet"].generator(shape(3, 150, 150))


@pytest.mark.parametrize(
    ("size", "name", "steps"),
    [((8, 8), "mlp", 4000), ((16, 16), "mlp", 4000), ((8, 28), "resnet", 2500)],
)
def test_auto_chooses_by_size_and_fills_in_what_suits(
    size: tuple[int, int], name: str, steps: int
) -> None:
    chosen = recipe(TrainParams(), size)
    assert (chosen.network, chosen.steps) == (name, steps)


def test_what_is_given_is_kept() -> None:
    chosen = recipe(TrainParams(network="resnet", steps=7, gamma=0.0), (8, 8))
    assert (chosen.network, chosen.steps, chosen.gamma, chosen.batch_size) == ("resnet", 7, 0, 64)
