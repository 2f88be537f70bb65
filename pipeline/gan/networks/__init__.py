"""Generators and discriminators, one file a family, one registry.

Every generator maps (z, label) to images N×C×H×W in [−1, 1]; every discriminator maps (images,
label) to one logit an image. Both are built from the same `Shape`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import nn

from pipeline.gan.networks import mlp, resnet
from pipeline.gan.networks.shape import Shape
from pipeline.params import Recipe, TrainParams

__all__ = ["NETWORKS", "Network", "Shape", "recipe"]

MLP_UP_TO = 16


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
    "resnet": Network(
        resnet.Generator,
        resnet.Discriminator,
        {"width": 32, "steps": 2500, "batch_size": 64, "learning_rate": 3e-4, "gamma": 3.0},
    ),
}


def recipe(params: TrainParams, size: tuple[int, int]) -> Recipe:
    """Return `params` with the network chosen and its defaults in the place of null.

    Args:
        params: the section `train`.
        size: height and width of the images in pixels.
    """
    automatic = "mlp" if max(size) <= MLP_UP_TO else "resnet"
    name = automatic if params.network == "auto" else params.network
    given = params.model_dump(exclude_none=True)
    return Recipe.model_validate({**NETWORKS[name].defaults, **given, "network": name})
