"""Generators and discriminators, one file a family, one registry.

Every generator maps (z, label) to images N×C×H×W in [−1, 1], or to codes of features N×codes; every
discriminator maps (images or codes, label) to one logit a sample. Both are built from the same
`Shape`, and carry the codec between samples and what they see.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import nn

from gan_augment.gan.networks import dcgan, mlp, resnet, vectors
from gan_augment.gan.networks.codec import codec_of
from gan_augment.gan.networks.layers import normalise_spectrally
from gan_augment.gan.networks.shape import Shape

__all__ = ["NETWORKS", "Network", "Shape", "build"]


class Network(NamedTuple):
    """A family: how to build its halves, what suits it where params are null, what it makes.

    `small` says that its matrices gain nothing from threads or from bfloat16.
    """

    generator: Callable[[Shape], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    defaults: Mapping[str, float]
    images: bool = True
    features: bool = False
    small: bool = False


def _vectors(generator: Callable[[Shape], nn.Module], **defaults: float) -> Network:
    common = {"width": 256, "batch_size": 128, "gamma": 1.0}
    return Network(
        generator, vectors.Discriminator, common | defaults, images=False, features=True, small=True
    )


NETWORKS: dict[str, Network] = {
    "mlp": Network(
        mlp.Generator,
        mlp.Discriminator,
        {"width": 256, "steps": 4000, "batch_size": 128, "learning_rate": 1e-3, "gamma": 1.0},
        features=True,
        small=True,
    ),
    "dcgan": Network(
        dcgan.Generator,
        dcgan.Discriminator,
        {"width": 64, "steps": 4000, "batch_size": 64, "learning_rate": 2e-4, "gamma": 1.0},
    ),
    "resnet": Network(
        resnet.Generator,
        resnet.Discriminator,
        {
            "width": 32,
            "steps": 5000,
            "batch_size": 16,
            "learning_rate": 3e-4,
            "gamma": 3.0,
            "eval_interval": 1000,
        },
    ),
    "gaussian": _vectors(vectors.GaussianGenerator, steps=1000, learning_rate=2e-4),
    "residual": _vectors(vectors.ResidualGenerator, steps=3000, learning_rate=1e-3),
    "example": _vectors(vectors.ExampleGenerator, steps=3000, learning_rate=1e-3),
}


def build(network: str, shape: Shape) -> tuple[nn.Module, nn.Module]:
    """Return an untrained generator and discriminator, drawn from torch's global seed.

    Raises:
        UserError: the network does not fit the images.
    """
    family = NETWORKS[network]
    generator, discriminator = family.generator(shape), family.discriminator(shape)
    if shape.spectral_norm:
        discriminator = normalise_spectrally(discriminator)
    for half in (generator, discriminator):
        half.codec = codec_of(shape)
    return generator, discriminator
