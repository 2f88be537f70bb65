"""Batches that depend on nothing but the seed and their number."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_augment.errors import UserError
from gan_augment.gan.augment import NUMBERS
from gan_augment.gan.networks.codec import Codec, PixelCodec
from gan_augment.seeding import rng
from gan_augment.table import Images


class Batch(NamedTuple):
    """What one turn of the discriminator and one of the generator need.

    Attributes:
        real: as the networks see it: images, float32 N×C×H×W in [−1, 1], or codes N×codes.
        labels: int64 N; real and fake images of one row share the class.
        z: float32 2×N×Z, latents for the discriminator's and for the generator's turn.
        uniform: float32 2×2N×K in [0, 1), for the augmentation of real, then of generated images
            in either turn.
        epsilon: float32 N in [0, 1), where WGAN-GP's interpolates lie.
    """

    real: Tensor
    labels: Tensor
    z: Tensor
    uniform: Tensor
    epsilon: Tensor


class Batches:
    """The training samples, resident on the device as the codec holds them, and batches of them.

    Samples that are mapped from a file stay there: each batch reads its own.

    Of several processes each gets its share of the rows of every batch, so that together they
    train on what a single one would.

    Raises:
        UserError: the batch does not divide by the processes.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        latent_dim: int,
        seed: int,
        device: torch.device,
        balance: float = 0.0,
        rank: int = 0,
        processes: int = 1,
        codec: Codec | None = None,
    ) -> None:
        order = np.argsort(images.labels, kind="stable")
        self._codec = codec or PixelCodec()
        self._device, self._order, self._pixels = device, order, images.pixels
        mapped = isinstance(images.pixels, np.memmap)
        self._held = None if mapped else self._codec.hold(images.pixels[order]).to(device)
        self._counts = images.counts()
        self._starts = np.cumsum(self._counts) - self._counts
        self._bounds = class_shares(self._counts, balance).cumsum()[:-1]
        self._size, self._latent_dim, self._seed = batch_size, latent_dim, seed
        share, rest = divmod(batch_size, processes)
        if rest:
            raise UserError(
                f"train.batch_size = {batch_size} does not divide by {processes} processes"
            )
        self._mine = slice(rank * share, (rank + 1) * share)

    def __getitem__(self, number: int) -> Batch:
        """Return that batch: classes in proportion, images drawn with replacement."""
        draw = rng(self._seed, "batch", number)
        n = self._size
        # Systematic sampling: no class is more than one image off its share of the batch.
        points = (np.arange(n) + draw.random()) / n
        labels = draw.permutation(np.searchsorted(self._bounds, points, side="right"))
        rows = self._starts[labels] + draw.integers(self._counts[labels])
        z = draw.standard_normal((2, n, self._latent_dim), dtype=np.float32)
        uniform = draw.random((2, 2, n, NUMBERS), dtype=np.float32)
        epsilon = draw.random(n, dtype=np.float32)
        return Batch(
            self._codec.see(self._samples(rows[self._mine])),
            self._send(labels[self._mine]),
            self._send(z[:, self._mine]),
            self._send(uniform[:, :, self._mine]).flatten(1, 2),
            self._send(epsilon[self._mine]),
        )

    def _samples(self, rows: NDArray[np.int64]) -> Tensor:
        """Return samples, numbered class by class, as the codec holds them."""
        if self._held is not None:
            return self._held[self._send(rows)]
        return self._codec.hold(np.asarray(self._pixels[self._order[rows]])).to(self._device)

    def _send(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self._device, non_blocking=True)


def class_shares(counts: NDArray[np.int64], balance: float) -> NDArray[np.float64]:
    """Return how much of the batches is of each class, float64 C: ∝ n^(1 − balance)."""
    weights = counts.astype(np.float64) ** (1 - balance)
    return weights / weights.sum()
