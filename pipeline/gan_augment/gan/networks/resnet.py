"""Residual networks without normalisation layers (Huang et al. 2024, "The GAN is dead").

Fixup initialisation (Zhang et al. 2019) takes the place of batch norm: He-scaled weights times
L^(−1/(2m−2)) for L blocks of m layers, the last layer of a block zero.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_augment.gan.networks.conditioning import LabelEmbedding, Projection
from gan_augment.gan.networks.layers import (
    MinibatchStddev,
    PixelwiseLinear,
    conv3x3,
    he_normal,
    leaky_relu,
    resize,
)
from gan_augment.gan.networks.shape import Shape, pyramid

LAYERS_A_BLOCK = 2
GROWTH = 4


class Generator(nn.Module):
    """A learned basis modulated by (z, label embedding), then a block a size, up to full size."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, base = pyramid(shape, GROWTH, full_size=True)
        self.embedding = LabelEmbedding(shape.classes, shape.embedding_dim)
        self.basis = nn.Parameter(torch.randn(widths[0], *base))
        self.modulation = nn.Linear(shape.latent_dim + shape.embedding_dim, widths[0])
        layers: list[nn.Module] = [_Block(widths[0], len(widths))]
        for pair in pairwise(widths):
            layers += [_Resample(*pair, 2), _Block(pair[1], len(widths))]
        self.layers = nn.Sequential(*layers, leaky_relu())
        self.to_pixels = _pixelwise(widths[-1], shape.channels)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images N×C×H×W of latents N×Z and labels N."""
        style = self.modulation(torch.cat([z, self.embedding(y)], dim=1))
        h = (style[:, :, None, None] * self.basis).contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_pixels(self.layers(h)))


class Discriminator(nn.Module):
    """A block a size, down to the smallest maps; a depthwise layer; a projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, base = pyramid(shape, GROWTH, full_size=True)
        widths = widths[::-1]
        self.from_pixels = _pixelwise(shape.channels, widths[0])
        layers: list[nn.Module] = [_Block(widths[0], len(widths))]
        for pair in pairwise(widths):
            layers += [_Resample(*pair, 0.5), _Block(pair[1], len(widths))]
        layers.append(leaky_relu())
        if shape.minibatch_stddev:
            layers.append(MinibatchStddev())
        self.layers = nn.Sequential(*layers)
        features = widths[-1] + shape.minibatch_stddev
        self.depthwise = nn.Parameter(torch.randn(features, *base) / (base[0] * base[1]) ** 0.5)
        self.logit = Projection(features, shape.classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of images N×C×H×W and labels N."""
        h = self.layers(self.from_pixels(x))
        logit: Tensor = self.logit(torch.einsum("nchw,chw->nc", h, self.depthwise.to(h.dtype)), y)
        return logit


class _Block(nn.Module):
    """x + W₂ act(W₁ act(x)), one of `blocks` in the network."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        scale = blocks ** (-1 / (2 * LAYERS_A_BLOCK - 2))
        self.layers = nn.Sequential(
            leaky_relu(),
            conv3x3(width, width, gain=scale),
            leaky_relu(),
            conv3x3(width, width, gain=0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class _Resample(nn.Module):
    """Change size and channels; whichever is cheaper comes first."""

    def __init__(self, inputs: int, outputs: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.project = nn.Identity() if inputs == outputs else _pixelwise(inputs, outputs)

    def forward(self, h: Tensor) -> Tensor:
        if self.factor < 1:
            return self.project(resize(h, self.factor))
        return resize(self.project(h), self.factor)


def _pixelwise(inputs: int, outputs: int) -> PixelwiseLinear:
    layer = PixelwiseLinear(inputs, outputs)
    he_normal(layer)
    return layer
