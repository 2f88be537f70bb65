"""Fully connected layers, for images of up to 16 pixels a side, and for feature vectors.

`width` 256 gives three hidden layers of 256; [256, 512, 1024] with 100 latents is the classic
network that grows towards the pixels (Goodfellow et al. 2014 as commonly written for 28×28).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_augment.gan.networks.conditioning import LabelEmbedding, Projection
from gan_augment.gan.networks.layers import MinibatchStddev, leaky_relu
from gan_augment.gan.networks.shape import Shape

HIDDEN_LAYERS = 3


class Generator(nn.Module):
    """(z, label embedding) → hidden layers → pixels in [−1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = _widths(shape)
        self.size = (shape.channels, *shape.size)
        self.embedding = LabelEmbedding(shape.classes, shape.embedding_dim)
        self.hidden = _hidden([shape.latent_dim + shape.embedding_dim, *widths])
        self.to_pixels = nn.Linear(widths[-1], shape.pixels)
        self.bound = nn.Tanh() if shape.size else nn.Identity()

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images N×C×H×W, or codes N×codes, of latents N×Z and labels N."""
        h = self.hidden(torch.cat([z, self.embedding(y)], dim=1))
        made: Tensor = self.bound(self.to_pixels(h))
        return made.unflatten(1, self.size)


class Discriminator(nn.Module):
    """Pixels → the generator's hidden layers in reverse → projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = _widths(shape)[::-1]
        self.hidden = _hidden([shape.pixels, *widths])
        self.stddev = MinibatchStddev() if shape.minibatch_stddev else nn.Identity()
        self.logit = Projection(widths[-1] + shape.minibatch_stddev, shape.classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of images N×C×H×W and labels N."""
        logit: Tensor = self.logit(self.stddev(self.hidden(x.flatten(1))), y)
        return logit


def _widths(shape: Shape) -> list[int]:
    return [shape.width] * HIDDEN_LAYERS if isinstance(shape.width, int) else list(shape.width)


def _hidden(widths: list[int]) -> nn.Sequential:
    layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), leaky_relu())]
    return nn.Sequential(*layers)
