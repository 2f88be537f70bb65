"""Gradient penalties that keep the discriminator smooth where the images are."""

import torch
from torch import Tensor


def r1_plus_r2(logits: Tensor, images: Tensor) -> Tensor:
    """Return E‖∇D(x)‖² + E‖∇D(G(z))‖², each summed over pixels and averaged over its half.

    R1 is the term at real images (Mescheder et al. 2018, eq. 9), R2 the one at generated images;
    the loss takes γ/2 times the sum (Huang et al. 2024, eq. 3).

    Args:
        logits: D of the images, 2N, computed with gradients.
        images: N real then N generated ones, 2N×C×H×W, requiring gradients.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return 2 * gradient.square().sum(dim=(1, 2, 3)).mean()
