"""A second backbone: what gates look through where another one judges, and both are at hand."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gan_augment.embed import backbones, rows
from gan_augment.params import EmbedParams
from gan_augment.table import FeatureSpace, Images


@dataclass(frozen=True)
class SecondBackbone:
    """A backbone that brings its own weights.

    Attributes:
        space: whose features.
    """

    space: FeatureSpace

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features of images, uint8 N×C×H×W: float32 N×F."""
        return rows.features_of(pixels, self.space)

    def images(self, images: Images) -> Images:
        """Return images as rows of their features."""
        return replace(images, pixels=self(images.pixels), space=self.space)


def other_than(judging: FeatureSpace) -> SecondBackbone | None:
    """Return a built-in backbone that is not the one that judges, if one is installed."""
    for name in backbones.BUILT_IN:
        if name != judging.backbone and backbones.at_hand(name):
            return SecondBackbone(backbones.load(EmbedParams(image_size=judging.size), name).space)
    return None
