"""Gradient penalties that keep the discriminator smooth where the images are.

Each gets what the discriminator's turn has at hand: `images`, N real then N generated ones,
2N×C×H×W, requiring gradients; their `logits`, 2N; the `critic`, which scores N other images for
the labels of the batch; and `epsilon`, N numbers in [0, 1). Each returns a scalar, before its
weight γ; gradients are summed over pixels and averaged over the batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


class Penalty(NamedTuple):
    """A penalty, and the weight γ that suits it; None where that depends on the network."""

    of: Callable[[Tensor, Tensor, Critic, Tensor], Tensor]
    gamma: float | None = None


def r1(images: Tensor, logits: Tensor, critic: Critic, epsilon: Tensor) -> Tensor:
    """½ E‖∇D(x)‖² at real images (Mescheder et al. 2018, eq. 9)."""
    del critic, epsilon
    return _squared_norm(_gradient(images, logits)).chunk(2)[0].mean() / 2


def r2(images: Tensor, logits: Tensor, critic: Critic, epsilon: Tensor) -> Tensor:
    """½ E‖∇D(G(z))‖² at generated images (Mescheder et al. 2018, eq. 10)."""
    del critic, epsilon
    return _squared_norm(_gradient(images, logits)).chunk(2)[1].mean() / 2


def r1_plus_r2(images: Tensor, logits: Tensor, critic: Critic, epsilon: Tensor) -> Tensor:
    """½ E‖∇D(x)‖² + ½ E‖∇D(G(z))‖² (Huang et al. 2024, eq. 3), of one backward pass."""
    del critic, epsilon
    return _squared_norm(_gradient(images, logits)).mean()


def wgan_gp(images: Tensor, logits: Tensor, critic: Critic, epsilon: Tensor) -> Tensor:
    """E[(‖∇D(x̂)‖ − 1)²], x̂ = ε x + (1 − ε) G(z) (Gulrajani et al. 2017, eq. 3)."""
    del logits
    real, fake = images.detach().chunk(2)
    between = torch.lerp(fake, real, epsilon.view(-1, *[1] * (real.ndim - 1))).requires_grad_()
    norm = (_squared_norm(_gradient(between, critic(between))) + 1e-12).sqrt()
    return (norm - 1).square().mean()


def _gradient(images: Tensor, logits: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient


def _squared_norm(gradient: Tensor) -> Tensor:
    return gradient.square().sum(dim=tuple(range(1, gradient.ndim)))


PENALTIES: dict[str, Penalty | None] = {
    "none": None,
    "r1": Penalty(r1),
    "r2": Penalty(r2),
    "r1+r2": Penalty(r1_plus_r2),
    "wgan-gp": Penalty(wgan_gp, gamma=10.0),
}
