from dataclasses import replace

import pytest
import torch

from gan_augment.errors import UserError
from gan_augment.gan.networks import NETWORKS, Shape, build
from gan_augment.gan.networks.conditioning import set_label_strength
from gan_augment.gan.networks.layers import MinibatchStddev, PixelwiseLinear, resize
from gan_augment.gan.networks.shape import pyramid

OF_IMAGES = [name for name, network in NETWORKS.items() if network.images]
CONVOLUTIONAL = [name for name in OF_IMAGES if name != "mlp"]
Y = torch.tensor([0, 1, 2, 2])


def shape(channels: int, *size: int, **options: object) -> Shape:
    small = {"classes": 3, "latent_dim": 5, "embedding_dim": 4, "width": 8}
    return Shape(channels, size, **{**small, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OF_IMAGES)
@pytest.mark.parametrize(
    "size", [(1, 8, 8), (3, 28, 28), (3, 16, 24), (1, 20, 12), (3, 64, 64), (1, 128, 96)]
)
@pytest.mark.parametrize("options", [{}, {"minibatch_stddev": True, "spectral_norm": True}])
def test_generator_and_discriminator_fit_the_images(
    name: str, size: tuple[int, int, int], options: dict[str, bool]
) -> None:
    torch.manual_seed(0)
    generator, discriminator = build(name, shape(*size, **options))
    images = generator(torch.randn(4, 5), Y)
    assert images.shape == (4, *size)
    assert images.abs().max() <= 1
    logits = discriminator(images, Y)
    assert logits.shape == (4,)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", OF_IMAGES)
def test_both_halves_hear_the_label_as_strongly_as_they_are_told(name: str) -> None:
    torch.manual_seed(0)
    generator, discriminator = (half.eval() for half in build(name, shape(1, 8, 8)))
    z, two = torch.randn(1, 5).repeat(2, 1), torch.tensor([0, 1])
    for strength, differs in ((1.0, True), (0.5, True), (0.0, False)):
        set_label_strength(generator, strength)
        set_label_strength(discriminator, strength)
        images = generator(z, two)
        assert torch.allclose(images[0], images[1], atol=1e-5) != differs
        one, other = discriminator(images[:1].repeat(2, 1, 1, 1), two)
        assert torch.allclose(one, other, atol=1e-5) != differs


def test_the_classic_network_grows_towards_the_pixels_and_its_mirror_shrinks() -> None:
    classic = shape(1, 28, 28, width=(256, 512, 1024), latent_dim=100)
    sizes = [
        [tuple(p.shape) for p in half.hidden.parameters() if p.ndim == 2]
        for half in build("mlp", classic)
    ]
    assert sizes[0] == [(256, 104), (512, 256), (1024, 512)]
    assert sizes[1] == [(1024, 784), (512, 1024), (256, 512)]


@pytest.mark.parametrize(("full_size", "expected"), [(True, [32, 32, 16, 8]), (False, [32, 16, 8])])
def test_maps_halve_and_channels_double_up_to_a_bound(full_size: bool, expected: list[int]) -> None:
    assert pyramid(shape(1, 32, 48), 4, full_size=full_size) == (expected, (4, 6))


def test_listed_channels_are_used_and_must_match_the_sizes() -> None:
    listed = shape(1, 28, 28, width=(96, 64, 32))
    assert pyramid(listed, 4, full_size=True) == ([96, 64, 32], (7, 7))
    with pytest.raises(UserError, match=r"lists 3 numbers of channels, but .* pass through 2"):
        pyramid(listed, 4, full_size=False)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_sizes_that_do_not_halve_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"images of 150×150 pixels halve only to 75×75"):
        build(name, shape(3, 150, 150))


@pytest.mark.parametrize("size", [(4, 4), (6, 7), (7, 7), (9, 9), (15, 15), (8, 11)])
def test_sizes_that_do_not_halve_once_are_refused_by_what_doubles(size: tuple[int, int]) -> None:
    build("resnet", shape(1, *size))
    for width in (8, (8, 8)):
        with pytest.raises(UserError, match=r"pixels do not halve to .*; set ingest.image_size"):
            build("dcgan", shape(1, *size, width=width))


def test_residual_blocks_start_as_the_identity() -> None:
    """Fixup: with the last layer of a block at zero, depth changes nothing at the start."""
    from gan_augment.gan.networks.resnet import _Block

    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(_Block(8, blocks=3)(x), x)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_spectral_normalisation_bounds_every_layer_after_a_few_passes(name: str) -> None:
    torch.manual_seed(0)
    _, discriminator = build(name, shape(1, 8, 8, spectral_norm=True))
    for _ in range(50):
        discriminator(torch.randn(4, 1, 8, 8), Y)
    layers = [m for m in discriminator.modules() if hasattr(m, "parametrizations")]
    weights = [getattr(layer, name) for layer in layers for name in layer.parametrizations]
    free = [p for n, p in discriminator.named_parameters() if ".parametrizations." not in f".{n}"]
    assert weights
    assert all(bias.ndim == 1 for bias in free)
    for weight in weights:
        largest = torch.linalg.matrix_norm(weight.detach().flatten(1), 2)
        assert largest == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_an_image_is_judged_by_itself_unless_a_batch_should_count(name: str) -> None:
    """Gradient penalties are a property of single images: batch norm would couple them."""
    torch.manual_seed(0)
    x = torch.randn(4, 1, 8, 8)
    for couples in (False, True):
        _, discriminator = build(name, shape(1, 8, 8, minibatch_stddev=couples))
        together = discriminator(x, Y)
        x_other = torch.cat([x[:1], torch.zeros(3, 1, 8, 8)])
        assert torch.allclose(discriminator(x_other, Y)[0], together[0], atol=1e-6) != couples


def test_minibatch_stddev_by_hand() -> None:
    h = torch.zeros(8, 2)
    h[4:, 0] = torch.tensor([1.0, 3.0, 1.0, 3.0])
    feature = MinibatchStddev()(h)[:, 2]
    torch.testing.assert_close(feature, torch.tensor([0.0] * 4 + [0.5] * 4), atol=1e-3, rtol=0)
    maps = MinibatchStddev()(h[:, :, None, None].expand(-1, -1, 3, 5))
    assert maps.shape == (8, 3, 3, 5)
    torch.testing.assert_close(maps[:, 2, 1, 1], feature)


def test_a_pixelwise_layer_is_a_convolution_and_stays_channels_last() -> None:
    layer, x = PixelwiseLinear(1, 6), torch.randn(2, 1, 5, 7)
    expected = torch.nn.functional.conv2d(x, layer.weight[:, :, None, None], layer.bias)
    torch.testing.assert_close(layer(x), expected)
    assert layer(x).is_contiguous(memory_format=torch.channels_last)


def test_halving_is_the_mean_of_four_pixels() -> None:
    x = torch.randn(2, 3, 6, 8)
    torch.testing.assert_close(resize(x, 0.5), torch.nn.functional.avg_pool2d(x, 2))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_shapes_that_differ_build_networks_that_differ(name: str) -> None:
    base = shape(1, 16, 16)
    sizes = {
        sum(p.numel() for half in build(name, s) for p in half.parameters())
        for s in (base, replace(base, classes=4), replace(base, channels=3))
    }
    assert len(sizes) == 3
