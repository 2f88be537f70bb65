"""Three hidden layers, for images of up to 16 pixels a side."""

import torch
from torch import Tensor, nn

from pipeline.gan.networks.conditioning import Projection
from pipeline.gan.networks.shape import Shape


def _hidden(inputs: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in in (inputs, width, width):
        layers += [nn.Linear(fan_in, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class Generator(nn.Module):
    """(z, label embedding) → three hidden layers → pixels in [−1, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.size = (shape.channels, shape.height, shape.width_px)
        self.embedding = nn.Embedding(shape.classes, shape.embedding_dim)
        self.hidden = _hidden(shape.latent_dim + shape.embedding_dim, shape.width)
        self.to_pixels = nn.Linear(shape.width, shape.pixels)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return images N×C×H×W of latents N×Z and labels N."""
        h = self.hidden(torch.cat([z, self.embedding(y)], dim=1))
        return torch.tanh(self.to_pixels(h)).unflatten(1, self.size)


class Discriminator(nn.Module):
    """Pixels → three hidden layers → projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.hidden = _hidden(shape.pixels, shape.width)
        self.logit = Projection(shape.width, shape.classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of images N×C×H×W and labels N."""
        logit: Tensor = self.logit(self.hidden(x.flatten(1)), y)
        return logit
