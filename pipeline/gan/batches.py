"""Class-balanced batches that depend on nothing but the seed and the step."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.seeding import rng
from pipeline.table import Images


class Batch(NamedTuple):
    """What one training step needs.

    Attributes:
        real: float32 N×C×H×W in [−1, 1].
        labels: int64 N; real and fake images of one row share the class.
        z: float32 2×N×Z, latents for the discriminator's and for the generator's turn.
    """

    real: Tensor
    labels: Tensor
    z: Tensor


class Batches:
    """The training images, resident on the device as uint8, and batches drawn from them."""

    def __init__(
        self, images: Images, batch_size: int, latent_dim: int, seed: int, device: torch.device
    ) -> None:
        order = np.argsort(images.labels, kind="stable")
        self._pixels = torch.from_numpy(images.pixels[order]).to(device)
        self._counts = images.counts()
        self._starts = np.cumsum(self._counts) - self._counts
        self._size, self._latent_dim, self._seed = batch_size, latent_dim, seed

    def __getitem__(self, step: int) -> Batch:
        """Return that step's batch: every class equally often, images drawn with replacement."""
        draw = rng(self._seed, "batch", step)
        classes = len(self._counts)
        labels = (np.arange(self._size) + draw.integers(classes)) % classes
        rows = self._starts[labels] + draw.integers(self._counts[labels])
        z = draw.standard_normal((2, self._size, self._latent_dim), dtype=np.float32)
        device = self._pixels.device
        real = self._pixels[torch.from_numpy(rows).to(device)].float() / 127.5 - 1
        return Batch(real, torch.from_numpy(labels).to(device), torch.from_numpy(z).to(device))
