"""How a discriminator takes the label into account."""

import torch
from torch import Tensor, nn


class Projection(nn.Module):
    """Logit of features h for label y: ⟨h, E y⟩ + ψ(h) (Miyato & Koyama 2018, eq. 3).

    The unconditional term ψ lets classes with few images share what real images have in common.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, features)
        self.psi = nn.Linear(features, 1)
        nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of features N×F and labels N."""
        psi: Tensor = self.psi(h)
        return psi.squeeze(1) + torch.linalg.vecdot(h, self.embedding(y).to(h.dtype))
