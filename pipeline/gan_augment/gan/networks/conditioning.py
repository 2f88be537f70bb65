"""How networks take the label into account."""

import torch
from torch import Tensor, nn


class LabelEmbedding(nn.Module):
    """λ E y: a learned vector a class, with a strength λ between 0 (not heard) and 1."""

    def __init__(self, classes: int, features: int, std: float = 1.0) -> None:
        super().__init__()
        self.table = nn.Embedding(classes, features)
        nn.init.normal_(self.table.weight, std=std)
        self.register_buffer("strength", torch.ones(()))
        self.strength: Tensor

    def forward(self, y: Tensor) -> Tensor:
        """Return N×F embeddings of labels N."""
        return self.strength * self.table(y)


class Projection(nn.Module):
    """Logit of features h for label y: ⟨h, E y⟩ + ψ(h) (Miyato & Koyama 2018, eq. 3).

    The unconditional term ψ lets classes with few images share what real images have in common.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.embedding = LabelEmbedding(classes, features, std=features**-0.5)
        self.psi = nn.Linear(features, 1)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Return logits, N, of features N×F and labels N."""
        psi: Tensor = self.psi(h)
        return psi.squeeze(1) + torch.linalg.vecdot(h, self.embedding(y).to(h.dtype))


def set_label_strength(network: nn.Module, strength: float) -> None:
    """Set λ of every label embedding in a network.

    At 0 a network is unconditional. Raising it from 0 to 1 while training keeps tiny classes from
    collapsing (Shahbazi et al. 2022, "Collapse by Conditioning").
    """
    for module in network.modules():
        if isinstance(module, LabelEmbedding):
            module.strength.fill_(strength)
