"""Generators and discriminators, one file a family, one registry.

Every generator maps (z, label) to images N×C×H×W in [−1, 1]; every discriminator maps (images,
label) to one logit an image. Both are built from the same `Shape`.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from pipeline.gan.networks import mlp, resnet
from pipeline.gan.networks.shape import Shape

__all__ = ["NETWORKS", "Network", "Shape", "resolve"]

MLP_UP_TO = 16


class Network(NamedTuple):
    """A family of networks: how to build its two halves, and its width where params give none."""

    generator: Callable[[Shape], nn.Module]
    discriminator: Callable[[Shape], nn.Module]
    width: int


NETWORKS: dict[str, Network] = {
    "mlp": Network(mlp.Generator, mlp.Discriminator, width=256),
    "resnet": Network(resnet.Generator, resnet.Discriminator, width=32),
}


def resolve(name: str, size: tuple[int, int]) -> str:
    """Return the name of the family for images of `size` (height, width), resolving `auto`."""
    if name != "auto":
        return name
    return "mlp" if max(size) <= MLP_UP_TO else "resnet"
