"""Augmentation of what the discriminator sees, of real and generated images alike.

DiffAugment (Zhao et al. 2020): gradients flow through to the generator, so that it need not learn
the transforms. Each operation happens to an image with probability p; as long as p is well below 1
the generator can tell what belongs to the data, and transforms do not leak into its images (Karras
et al. 2020, section 2.2).

Operations are pure functions of images, float N×C×H×W, and two numbers an image in [0, 1).
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST = 0.6
TARGET = 0.6
RISE = 0.2
LARGE_ENOUGH_TO_MOVE = 16

Operation = Callable[[Tensor, Tensor, Tensor], Tensor]


def brightness(images: Tensor, a: Tensor, _: Tensor) -> Tensor:
    """Add U(−½, ½)."""
    return images + (a - 0.5)[:, None, None, None]


def saturation(images: Tensor, a: Tensor, _: Tensor) -> Tensor:
    """Scale the distance from the mean over channels by U(0, 2); grey images stay as they are."""
    mean = images.mean(dim=1, keepdim=True)
    return mean + (images - mean) * (2 * a)[:, None, None, None]


def contrast(images: Tensor, a: Tensor, _: Tensor) -> Tensor:
    """Scale the distance from the image's mean by U(½, 1½)."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (a + 0.5)[:, None, None, None]


def translation(images: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Shift by a whole number of pixels, up to an eighth of each side; mid-grey moves in."""
    n, _, height, width = images.shape
    most = height // 8, width // 8
    rows, columns = (
        torch.arange(side, device=images.device) + (u[:, None] * (2 * m + 1)).long()
        for side, u, m in ((height, a, most[0]), (width, b, most[1]))
    )
    padded = F.pad(images, (most[1], most[1], most[0], most[0])).permute(0, 2, 3, 1)
    index = torch.arange(n, device=images.device)[:, None, None]
    return padded[index, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cutout(images: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Paint a rectangle of half of each side mid-grey, its centre anywhere."""
    inside = [
        ((torch.arange(side, device=images.device) + 0.5) / side - u[:, None]).abs() < 0.25
        for side, u in zip(images.shape[2:], (a, b), strict=True)
    ]
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(hole, 0.0)


AUGMENTATIONS: dict[str, tuple[Operation, ...]] = {
    "colour": (brightness, saturation, contrast),
    "translation": (translation,),
    "cutout": (cutout,),
}
MOST_OPERATIONS = sum(map(len, AUGMENTATIONS.values()))
NUMBERS = 3 * MOST_OPERATIONS
"""Random numbers an image needs: one that decides and two that say how, for each operation."""


class Augment(nn.Module):
    """A policy, and the probability p of each of its operations, fixed or adaptive.

    Adaptive augmentation (ADA, Karras et al. 2020, section 3) starts at p = 0 and raises p while
    the discriminator is too sure of the training images: p += sign(r − 0.6) · images / horizon,
    r = E[sign(D(x) − zero)]. Where a loss has no zero (relativistic, Wasserstein), logits of pairs
    are compared instead: r = E[sign(D(x) − D(G(z)))]. p stays within [0, 0.6].
    """

    def __init__(
        self, names: Sequence[str], probability: float | Literal["adaptive"], steps: int
    ) -> None:
        """Take the policy's names, p, and the discriminator's steps; a fifth is the horizon."""
        super().__init__()
        self._operations = [operation for name in names for operation in AUGMENTATIONS[name]]
        self._adaptive = probability == "adaptive" and bool(names)
        self._change = MOST / max(RISE * steps, 1)
        start = 0.0 if isinstance(probability, str) else probability
        self.register_buffer("p", torch.tensor(start if names else 0.0))
        self.p: Tensor

    def forward(self, images: Tensor, uniform: Tensor) -> Tensor:
        """Return images N×C×H×W after the policy, by N×`NUMBERS` numbers in [0, 1)."""
        for number, operation in enumerate(self._operations):
            decides, a, b = uniform[:, 3 * number : 3 * number + 3].unbind(dim=1)
            happens = (decides < self.p)[:, None, None, None]
            images = torch.where(happens, operation(images, a, b), images)
        return images

    @torch.no_grad()
    def adapt(
        self, real: Tensor, fake: Tensor, zero: float | None, mean: Callable[[Tensor], Tensor]
    ) -> None:
        """Move p by one step's worth, by the logits of real and generated images, N each.

        Args:
            real: logits of real images in the discriminator's turn.
            fake: logits of generated ones.
            zero: the loss's logit between real and generated, or None.
            mean: averages a scalar over processes.
        """
        if self._adaptive:
            r = mean((real - (fake if zero is None else zero)).sign().mean())
            self.p.add_((r - TARGET).sign() * self._change).clamp_(0.0, MOST)
