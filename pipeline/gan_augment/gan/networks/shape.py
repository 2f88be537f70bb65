"""What a generator and its discriminator must agree on."""

import math
from dataclasses import dataclass

from gan_augment.errors import UserError

SMALLEST_MAP = 4
LARGEST_MAP = 16


@dataclass(frozen=True)
class Shape:
    """Sizes of a pair of networks.

    Attributes:
        channels: 1 (grey) or 3 (RGB); of feature vectors, the number of codes that stand for them.
        size: height and width of the images in pixels; empty for vectors.
        classes: number of classes.
        latent_dim: length of z.
        embedding_dim: length of a label's embedding in the generator.
        width: hidden units (mlp) or channels of the largest feature maps (dcgan, resnet), growing
            as is usual in the family; or all of them, from the latent to the pixels.
        minibatch_stddev: whether the discriminator sees how much a batch varies.
        spectral_norm: whether the discriminator's weights are divided by their spectral norm.
        features: length of the feature vectors; 0 for images.
    """

    channels: int
    size: tuple[int, ...]
    classes: int
    latent_dim: int
    embedding_dim: int
    width: int | tuple[int, ...]
    minibatch_stddev: bool = False
    spectral_norm: bool = False
    features: int = 0

    @property
    def pixels(self) -> int:
        """Number of values of one image, or of codes of one vector."""
        return math.prod((self.channels, *self.size))

    @property
    def sample(self) -> tuple[int, ...]:
        """Shape of one sample: C×H×W of an image, F of a vector."""
        return (self.features,) if self.features else (self.channels, *self.size)


def pyramid(shape: Shape, growth: int, *, full_size: bool) -> tuple[list[int], tuple[int, int]]:
    """Return the channels from the smallest feature maps to the largest, and the smallest's size.

    The largest maps have the size of the images, or half of it. Maps halve as long as both sides
    stay whole and at least 4 pixels; channels double with each halving, up to `growth` times.

    Raises:
        UserError: the sides do not halve to 16 pixels or less, or not at all where the largest maps
            have half the size, or `width` lists another number of channels than there are sizes.
    """
    height, width = shape.size
    sizes = int(full_size)
    while min(height, width) >= 2 * SMALLEST_MAP and height % 2 == width % 2 == 0:
        height, width, sizes = height // 2, width // 2, sizes + 1
    fault = ""
    if max(height, width) > LARGEST_MAP:
        fault = f"halve only to {width}×{height}, which is too large for a first feature map"
    elif not sizes:
        fault = f"do not halve to feature maps of {SMALLEST_MAP} pixels or more a side"
    if fault:
        raise UserError(
            f"train.network: images of {shape.size[1]}×{shape.size[0]} pixels {fault}; set "
            "ingest.image_size to a multiple of 8, or network: mlp"
        )
    if isinstance(shape.width, int):
        widths = [shape.width * min(2**halving, growth) for halving in range(sizes)][::-1]
    else:
        widths = list(shape.width)
    if len(widths) != sizes:
        raise UserError(
            f"train.width lists {len(widths)} numbers of channels, but images of "
            f"{shape.size[1]}×{shape.size[0]} pixels pass through {sizes} sizes of feature maps"
        )
    return widths, (height, width)
