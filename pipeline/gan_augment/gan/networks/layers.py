"""Layers and initialisations that more than one family uses."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

SLOPE = 0.2
GAIN = (2 / (1 + SLOPE**2)) ** 0.5
GROUP = 4


class MinibatchStddev(nn.Module):
    """Append one feature: how much groups of four images vary (Karras et al. 2018, section 3).

    A generator that makes the same image over and over is thereby found out.
    """

    def forward(self, h: Tensor) -> Tensor:
        """Return N×(F+1)… of N×F…, N a multiple of four; a group is four rows in sequence."""
        groups = h.float().unflatten(0, (-1, GROUP))
        deviation = (groups.var(dim=1, correction=0) + 1e-8).sqrt()
        one_a_group = deviation.flatten(1).mean(dim=1).repeat_interleave(GROUP)
        feature = one_a_group.to(h.dtype).view(-1, 1, *[1] * (h.ndim - 2))
        return torch.cat([h, feature.expand(-1, 1, *h.shape[2:])], dim=1)


class PixelwiseLinear(nn.Linear):
    """A 1×1 convolution as a matrix product over channels-last pixels.

    Of grey images a convolution would return a tensor that is not channels-last, and every layer
    after it would have to copy.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return N×F×H×W of N×C×H×W."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def he_normal(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Initialise for leaky ReLU: N(0, gain² · 2 / ((1 + 0.2²) fan-in)) (He et al. 2015, eq. 15)."""
    nn.init.normal_(layer.weight, std=gain * GAIN / layer.weight[0].numel() ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def conv3x3(inputs: int, outputs: int, gain: float = 1.0) -> nn.Conv2d:
    """Return a convolution that keeps the size, He-initialised."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    he_normal(layer, gain)
    return layer


def leaky_relu() -> nn.LeakyReLU:
    """Return the activation of all networks."""
    return nn.LeakyReLU(SLOPE)


def resize(h: Tensor, factor: float) -> Tensor:
    """Double (2) or halve (0.5) N×C×H×W bilinearly; halving is the mean of 2×2 pixels.

    `avg_pool2d` gives the same and takes five times as long in bf16 on a processor.
    """
    return F.interpolate(h, scale_factor=factor, mode="bilinear", align_corners=False)


def normalise_spectrally(network: nn.Module) -> nn.Module:
    """Divide every weight by its largest singular value (Miyato et al. 2018, eq. 8).

    Weights that begin at zero, as the last of a residual block does, get an orthogonal start: zero
    has no direction to normalise. Biases are no weights.
    """
    for layer in list(network.modules()):
        for name, weight in list(layer.named_parameters(recurse=False)):
            if weight.ndim > 1:
                if not (weight.is_meta or weight.any()):
                    nn.init.orthogonal_(weight)
                parametrizations.spectral_norm(layer, name)
    return network
