"""Adversarial losses: what the discriminator and the generator minimise.

Each takes the logits of a batch of real and one of fake images, N each, paired by class.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import softplus


class Loss(NamedTuple):
    """The two sides of an objective, each (real logits, fake logits) → scalar."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(−(D(x) − D(G(z))))] (Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2)."""
    return softplus(-(real - fake)).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(−(D(G(z)) − D(x)))]: the same with the roles exchanged."""
    return softplus(-(fake - real)).mean()


LOSSES: dict[str, Loss] = {
    "relativistic": Loss(relativistic_discriminator, relativistic_generator),
}
