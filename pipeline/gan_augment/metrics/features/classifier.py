"""The small network that learns the user's own classes."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

STEM_WIDTH, WIDTH, FEATURES = 16, 32, 64
GROUPS = 8
STRIDE_FROM = 16
SMALL_MAP = 8


@dataclass(frozen=True)
class Shape:
    """Sizes of the images and number of classes that a `Classifier` is built for."""

    channels: int
    height: int
    width: int
    classes: int


class Classifier(nn.Module):
    """Convolutions that halve the image, residual blocks on small maps, the mean over places.

    Normalisation is by groups of channels within an image (Wu & He 2018), so that an image has the
    same features in any company.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        side = min(shape.height, shape.width)
        stride = 1 if side < STRIDE_FROM else 2
        sides = [-(-side // stride)]
        while len(sides) == 1 or sides[-1] >= SMALL_MAP:
            sides.append(-(-sides[-1] // 2))
        widths = [STEM_WIDTH, *[WIDTH] * (len(sides) - 2), FEATURES]
        layers: list[nn.Module] = [_conv(shape.channels, STEM_WIDTH, stride)]
        for side, (inputs, outputs) in zip(sides[1:], pairwise(widths), strict=True):
            layers += [*_activation(inputs), _conv(inputs, outputs, stride=2)]
            if side <= SMALL_MAP:
                layers.append(_Residual(outputs))
        self.layers = nn.Sequential(*layers, *_activation(FEATURES))
        self.head = nn.Linear(FEATURES, shape.classes)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return features N×64 and logits N×K of uint8 images N×C×H×W."""
        x = pixels.float() / 127.5 - 1
        features = self.layers(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))
        return features, self.head(features)


class _Residual(nn.Module):
    """x + W₂ act(W₁ act(x)), at first the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = _conv(width, width)
        nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(*_activation(width), _conv(width, width), nn.SiLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def _activation(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(GROUPS, width), nn.SiLU()
