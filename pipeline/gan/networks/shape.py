"""What a generator and its discriminator must agree on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Sizes of a pair of networks.

    Attributes:
        channels: 1 (grey) or 3 (RGB).
        height, width_px: size of the images in pixels.
        classes: number of classes.
        latent_dim: length of z.
        embedding_dim: length of a label's embedding in the generator.
        width: hidden units (mlp) or channels at full size (resnet).
    """

    channels: int
    height: int
    width_px: int
    classes: int
    latent_dim: int
    embedding_dim: int
    width: int

    @property
    def pixels(self) -> int:
        """Number of values of one image."""
        return self.channels * self.height * self.width_px
