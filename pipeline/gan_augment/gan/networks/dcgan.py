"""Strided 4×4 convolutions (Radford et al. 2016, "DCGAN").

The generator normalises by batch as there. The discriminator normalises by image (a group norm of
one group): gradient penalties are a property of single images, which batch norm would couple
(Gulrajani et al. 2017, section 4).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_augment.gan.networks.conditioning import LabelEmbedding, Projection
from gan_augment.gan.networks.layers import MinibatchStddev, leaky_relu
from gan_augment.gan.networks.shape import Shape, pyramid

GROWTH = 8
STD = 0.02


class Generator(nn.Module):
    """(z, label embedding) → smallest feature maps → transposed convolutions that double them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, base = pyramid(shape, GROWTH, full_size=False)
        self.embedding = LabelEmbedding(shape.classes, shape.embedding_dim)
        inputs = shape.latent_dim + shape.embedding_dim
        self.to_maps = nn.ConvTranspose2d(inputs, widths[0], base, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for pair in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(*pair, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(pair[1]),
                nn.ReLU(),
            ]
        layers.append(nn.ConvTranspose2d(widths[-1], shape.channels, 4, stride=2, padding=1))
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.apply(_initialise)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images N×C×H×W of latents N×Z and labels N."""
        h = torch.cat([z, self.embedding(y)], dim=1)[:, :, None, None]
        h = self.to_maps(h).contiguous(memory_format=torch.channels_last)
        images: Tensor = self.layers(h)
        return images


class Discriminator(nn.Module):
    """Strided convolutions that halve the maps, then a projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, base = pyramid(shape, GROWTH, full_size=False)
        widths = widths[::-1]
        layers: list[nn.Module] = [
            nn.Conv2d(shape.channels, widths[0], 4, stride=2, padding=1),
            leaky_relu(),
        ]
        for pair in pairwise(widths):
            layers += [
                nn.Conv2d(*pair, 4, stride=2, padding=1, bias=False),
                nn.GroupNorm(1, pair[1]),
                leaky_relu(),
            ]
        if shape.minibatch_stddev:
            layers.append(MinibatchStddev())
        self.layers = nn.Sequential(*layers)
        self.logit = Projection(
            (widths[-1] + shape.minibatch_stddev) * base[0] * base[1], shape.classes
        )
        self.apply(_initialise)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of images N×C×H×W and labels N."""
        h = self.layers(x.contiguous(memory_format=torch.channels_last))
        logit: Tensor = self.logit(h.flatten(1), y)
        return logit


def _initialise(layer: nn.Module) -> None:
    """N(0, 0.02²), as in section 4 of the paper."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=STD)
