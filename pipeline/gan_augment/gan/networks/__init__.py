"""Generators and discriminators, one file a family, one registry.

Every generator maps (z, label) to images N×C×H×W in [−1, 1]; every discriminator maps (images,
label) to one logit an image. Both are built from the same `Shape`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import nn

from gan_augment.gan.networks import dcgan, mlp, resnet
from gan_augment.gan.networks.layers import normalise_spectrally
from gan_augment.gan.networks.shape import Shape

__all__ = ["NETWORKS", "Network", "Shape", "build"]


class Network(NamedTuple):
    """A family: how to build its two halves, and what suits it where params are null."""

    generator: Callable[[Shape], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    defaults: Mapping[str, float]


NETWORKS: dict[str, Network] = {
    "mlp": Network(
        mlp.Generator,
        mlp.Discriminator,
        {"width": 256, "steps": 4000, "batch_size": 128, "learning_rate": 1e-3, "gamma": 1.0},
    ),
    "dcgan": Network(
        dcgan.Generator,
        dcgan.Discriminator,
        {"width": 64, "steps": 4000, "batch_size": 64, "learning_rate": 2e-4, "gamma": 1.0},
    ),
    "resnet": Network(
        resnet.Generator,
        resnet.Discriminator,
        {"width": 32, "steps": 2500, "batch_size": 64, "learning_rate": 3e-4, "gamma": 3.0},
    ),
}


def build(network: str, shape: Shape) -> tuple[nn.Module, nn.Module]:
    """Return an untrained generator and discriminator, drawn from torch's global seed.

    Raises:
        UserError: the network does not fit the images.
    """
    family = NETWORKS[network]
    generator, discriminator = family.generator(shape), family.discriminator(shape)
    return generator, normalise_spectrally(discriminator) if shape.spectral_norm else discriminator
