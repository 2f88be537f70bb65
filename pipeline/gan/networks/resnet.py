"""Residual networks without normalisation layers (Huang et al. 2024, "The GAN is dead").

Fixup initialisation (Zhang et al. 2019) takes the place of batch norm: He-scaled weights times
L^(−1/(2m−2)) for L blocks of m layers, the last layer of a block zero. Convolutions in front of an
activation have no bias; the bias sits in the activation.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.errors import UserError
from pipeline.gan.networks.conditioning import Projection
from pipeline.gan.networks.shape import Shape

SLOPE = 0.2
GAIN = (2 / (1 + SLOPE**2)) ** 0.5
LAYERS_A_BLOCK = 2
BLOCKS_A_STAGE = 1
MAX_WIDTH_FACTOR = 4


class Generator(nn.Module):
    """A learned basis modulated by (z, label embedding), then stages that double the size."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, self.base = _plan(shape)
        widths = widths[::-1]
        self.embedding = nn.Embedding(shape.classes, shape.embedding_dim)
        self.basis = nn.Parameter(torch.randn(widths[0], *self.base))
        self.modulation = nn.Linear(shape.latent_dim + shape.embedding_dim, widths[0])
        stages = [_Stage(widths[0], widths[0], len(widths))]
        stages += [_Stage(*pair, len(widths), up=True) for pair in pairwise(widths)]
        self.stages = nn.Sequential(*stages)
        self.activation = _BiasedLeakyReLU(widths[-1])
        self.to_pixels = _conv(widths[-1], shape.channels, 1, bias=True)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images N×C×H×W of latents N×Z and labels N."""
        style = self.modulation(torch.cat([z, self.embedding(y)], dim=1))
        h = (style[:, :, None, None] * self.basis).contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_pixels(self.activation(self.stages(h))))


class Discriminator(nn.Module):
    """Residual stages that halve the size, a depthwise convolution, a projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths, base = _plan(shape)
        self.from_pixels = _conv(shape.channels, widths[0], 1, bias=True)
        stages = [_Stage(*pair, len(widths), down=True) for pair in pairwise(widths)]
        stages += [_Stage(widths[-1], widths[-1], len(widths))]
        self.stages = nn.Sequential(*stages)
        self.activation = _BiasedLeakyReLU(widths[-1])
        self.pool = nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False)
        self.logit = Projection(widths[-1], shape.classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of images N×C×H×W and labels N."""
        h = self.from_pixels(x.contiguous(memory_format=torch.channels_last))
        h = self.activation(self.stages(h))
        logit: Tensor = self.logit(self.pool(h).flatten(1), y)
        return logit


def _plan(shape: Shape) -> tuple[list[int], tuple[int, int]]:
    """Return channel widths from full size down, and the size of the smallest feature maps."""
    height, width, widths = shape.height, shape.width_px, [shape.width]
    while min(height, width) >= 8 and height % 2 == 0 and width % 2 == 0:
        height, width = height // 2, width // 2
        widths.append(min(widths[-1] * 2, MAX_WIDTH_FACTOR * shape.width))
    if max(height, width) > 16:
        raise UserError(
            f"train.network = 'resnet': images of {shape.width_px}×{shape.height} pixels halve "
            f"only to {width}×{height}; set ingest.image_size to a multiple of 8, or network: mlp"
        )
    return widths, (height, width)


class _Stage(nn.Module):
    """Resample and change the width, then residual blocks."""

    def __init__(
        self, inputs: int, outputs: int, stages: int, *, up: bool = False, down: bool = False
    ) -> None:
        super().__init__()
        self.up, self.down = up, down
        self.project = nn.Identity() if inputs == outputs else _conv(inputs, outputs, 1)
        scale = (stages * BLOCKS_A_STAGE) ** (-1 / (2 * LAYERS_A_BLOCK - 2))
        self.blocks = nn.Sequential(*(_Block(outputs, scale) for _ in range(BLOCKS_A_STAGE)))

    def forward(self, h: Tensor) -> Tensor:
        if self.down:
            h = F.avg_pool2d(h, 2)
        h = self.project(h)
        if self.up:
            h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
        return self.blocks(h)


class _Block(nn.Module):
    """x + W₂ act(W₁ act(x))."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _BiasedLeakyReLU(width),
            _conv(width, width, 3, gain=scale),
            _BiasedLeakyReLU(width),
            _conv(width, width, 3, gain=0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class _BiasedLeakyReLU(nn.Module):
    """Leaky ReLU of x + b, with one learned b a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], SLOPE)


def _conv(
    inputs: int, outputs: int, kernel: int, *, gain: float = 1.0, bias: bool = False
) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
    nn.init.normal_(conv.weight, std=gain * GAIN / (inputs * kernel**2) ** 0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
