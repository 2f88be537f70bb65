"""Generators of feature vectors for few images a class, and the discriminator that they share.

All make codes (see `codec`). Scarce classes borrow from abundant ones in three ways: the covariance
that a Gaussian starts from may be half that of all classes (`gaussian`), what
is learnt is how samples lie around the mean of any class (`residual`), or how one sample of a class
leads to another (`example`; Antoniou et al. 2017).
"""

import torch
from torch import Tensor, nn

from gan_augment.calibration import Covariance, Gaussians
from gan_augment.gan.networks.conditioning import LabelEmbedding, Projection
from gan_augment.gan.networks.layers import MinibatchStddev, leaky_relu
from gan_augment.gan.networks.shape import Shape

HIDDEN_LAYERS = 2
EXAMPLES = 64
"""Of each class, that `example` starts from."""
JITTER = 1e-6
"""Added to variances, so that any covariance has a factor."""


class GaussianGenerator(nn.Module):
    """A Gaussian a class, x = μ_y + L_y z, and a correction W(x, y) that is zero at first.

    Training starts from what a Gaussian would do, and validation says how far to go.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        codes = shape.channels
        self.register_buffer("mean", torch.zeros(shape.classes, codes))
        self.register_buffer("factor", torch.zeros(shape.classes, codes, codes))
        self.mean: Tensor
        self.factor: Tensor
        self.embedding = LabelEmbedding(shape.classes, shape.embedding_dim)
        self.correction = _hidden(codes + shape.embedding_dim, shape, codes)
        nn.init.zeros_(self.correction[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.correction[-1].bias)  # type: ignore[arg-type]

    def begin(self, codes: Tensor, labels: Tensor, covariance: Covariance) -> None:
        """Take means and covariances of training codes N×codes with labels N."""
        found = Gaussians(codes.double().cpu().numpy(), labels.cpu().numpy())
        for label, mean in found.means.items():
            self.mean[label] = torch.from_numpy(mean)
            self.factor[label] = torch.from_numpy(found.factor(label, JITTER, covariance))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return codes N×codes of latents N×codes and labels N."""
        start = torch.zeros_like(z)
        for label in y.unique().tolist():  # a factor for each row would not fit into the cache
            own = (y == label).nonzero().squeeze(1)
            start = start.index_copy(0, own, z[own] @ self.factor[label].T)
        start = self.mean[y] + start
        corrected: Tensor = start + self.correction(torch.cat([start, self.embedding(y)], dim=1))
        return corrected


class ResidualGenerator(nn.Module):
    """The mean of the class, and a residual W(z) that knows no class."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape.classes, shape.channels))
        self.mean: Tensor
        self.residual = _hidden(shape.latent_dim, shape, shape.channels)

    def begin(self, codes: Tensor, labels: Tensor, _: Covariance) -> None:
        """Take the means of training codes N×codes with labels N."""
        for label in range(len(self.mean)):
            self.mean[label] = codes[labels == label].mean(dim=0)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return codes N×codes of latents N×Z and labels N."""
        made: Tensor = self.mean[y] + self.residual(z)
        return made


class ExampleGenerator(nn.Module):
    """A training example of the class, and how it might look otherwise: e + W(e, z)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.register_buffer("examples", torch.zeros(shape.classes, EXAMPLES, shape.channels))
        self.examples: Tensor
        self.change = _hidden(shape.channels + shape.latent_dim, shape, shape.channels)

    def begin(self, codes: Tensor, labels: Tensor, _: Covariance) -> None:
        """Take examples of training codes N×codes with labels N, spread over a class's rows."""
        for label in range(len(self.examples)):
            own = codes[labels == label]
            rows = torch.arange(EXAMPLES, device=own.device) * len(own) // EXAMPLES
            self.examples[label] = own[rows]

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return codes N×codes of latents N×Z and labels N; z's first number picks the example."""
        place = torch.special.ndtr(z[:, 0].float()) * EXAMPLES
        example = self.examples[y, place.long().clamp(0, EXAMPLES - 1)]
        made: Tensor = example + self.change(torch.cat([example, z], dim=1))
        return made


class Discriminator(nn.Module):
    """Codes → hidden layers → projection on the label."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width if isinstance(shape.width, int) else shape.width[-1]
        self.hidden = _hidden(shape.channels, shape)
        self.stddev = MinibatchStddev() if shape.minibatch_stddev else nn.Identity()
        self.logit = Projection(width + shape.minibatch_stddev, shape.classes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of codes N×codes and labels N."""
        logit: Tensor = self.logit(self.stddev(self.hidden(x)), y)
        return logit


def _hidden(inputs: int, shape: Shape, outputs: int | None = None) -> nn.Sequential:
    """Return hidden layers, and a linear one after them where `outputs` are wanted."""
    widths = [shape.width] * HIDDEN_LAYERS if isinstance(shape.width, int) else list(shape.width)
    layers: list[nn.Module] = []
    for before, after in zip([inputs, *widths], widths, strict=False):
        layers += [nn.Linear(before, after), leaky_relu()]
    if outputs is not None:
        layers.append(nn.Linear(widths[-1], outputs))
    return nn.Sequential(*layers)
