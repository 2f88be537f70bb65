"""Adversarial losses: what the discriminator and the generator minimise.

Each takes the logits of a batch of real and one of generated images, N each, paired by class.
Formulas write D(x) for a logit, x for real images and G(z) for generated ones.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


class Loss(NamedTuple):
    """Two sides of an objective, each (real logits, fake logits) → scalar, and how to train it.

    Attributes:
        discriminator, generator: what each side minimises.
        paired: the generator's side looks at the real logits too.
        zero: logit between what the discriminator takes for real and for generated; None where
            logits matter only relative to each other.
        penalty: what suits it where `train.penalty` is null.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False
    zero: float | None = 0.0
    penalty: str = "r1+r2"


def bce_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """−E[log σ(D(x))] − E[log(1 − σ(D(G(z))))] (Goodfellow et al. 2014, eq. 1)."""
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_generator(_: Tensor, fake: Tensor) -> Tensor:
    """E[log(1 − σ(D(G(z))))] (Goodfellow et al. 2014, eq. 1): flat while D(G(z)) ≪ 0."""
    return -softplus(fake).mean()


def non_saturating_generator(_: Tensor, fake: Tensor) -> Tensor:
    """−E[log σ(D(G(z)))] (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake).mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E[D(G(z))] − E[D(x)] (Arjovsky et al. 2017, eq. 2), D kept smooth by clipping or penalty."""
    return fake.mean() - real.mean()


def wasserstein_generator(_: Tensor, fake: Tensor) -> Tensor:
    """−E[D(G(z))] (Arjovsky et al. 2017, eq. 2)."""
    return -fake.mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))] (Lim & Ye 2017; Miyato et al. 2018, eq. 16)."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """½ E[(D(x) − 1)²] + ½ E[D(G(z))²] (Mao et al. 2017, eq. 9)."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator(_: Tensor, fake: Tensor) -> Tensor:
    """½ E[(D(G(z)) − 1)²] (Mao et al. 2017, eq. 9)."""
    return (fake - 1).square().mean() / 2


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(−(D(x) − D(G(z))))] (Jolicoeur-Martineau 2019; Huang et al. 2024, eq. 2)."""
    return softplus(-(real - fake)).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(−(D(G(z)) − D(x)))]: the same with the roles exchanged."""
    return softplus(-(fake - real)).mean()


LOSSES: dict[str, Loss] = {
    "minimax": Loss(bce_discriminator, minimax_generator),
    "non-saturating": Loss(bce_discriminator, non_saturating_generator),
    "wasserstein": Loss(
        wasserstein_discriminator, wasserstein_generator, zero=None, penalty="wgan-gp"
    ),
    "hinge": Loss(hinge_discriminator, wasserstein_generator),
    "least-squares": Loss(least_squares_discriminator, least_squares_generator, zero=0.5),
    "relativistic": Loss(
        relativistic_discriminator, relativistic_generator, paired=True, zero=None
    ),
}
