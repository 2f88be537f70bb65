"""Generators that are known through and through: they hand out stored images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan_augment import table
from gan_augment.gan.model import Model
from gan_augment.gan.networks import NETWORKS, Shape
from gan_augment.gan.networks.codec import PixelCodec
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.table import Images
from tests.networks import _trained_once

__all__ = ["_trained_once"]

SHAPE = Shape(1, (8, 8), 10, 16, 8, 32)
Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


class Stored(nn.Module):
    """A generator whose images are stored ones of the class, chosen by the latent."""

    def __init__(self, images: Images) -> None:
        super().__init__()
        self.images, self.nothing = images, nn.Parameter(torch.zeros(1))
        self.codec = PixelCodec()

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        pixels = []
        for latent, label in zip(z, labels.tolist(), strict=True):
            rows = np.flatnonzero(self.images.labels == label)
            pixels.append(self.images.pixels[rows[int(latent[0].abs() * 1e6) % len(rows)]])
        return torch.from_numpy(np.stack(pixels)) / 127.5 - 1


def generator_of(images: Images, change: Change = lambda pixels: pixels) -> Model:
    """Return a model that draws from images after some change to them."""
    changed = Images(change(images.pixels), images.labels, images.classes, images.rows)
    torch.manual_seed(0)
    critic: Any = NETWORKS["mlp"].discriminator(SHAPE).eval()
    critic.codec = PixelCodec()
    return Model(Stored(changed), critic, "stored", SHAPE, images.classes, True, "5" * 16)


@pytest.fixture(scope="session")
def splits(digits: Path) -> dict[str, Images]:
    return {split: table.read(digits, split) for split in table.SPLITS}


@pytest.fixture
def evidence(splits: dict[str, Images], tmp_path: Path) -> Evidence:
    """Return evidence whose generator is perfect: it draws real images that nobody has seen."""
    perfect = generator_of(splits["test"])
    return Evidence(splits["train"], splits["validation"], perfect, 0.95, 0, tmp_path / "evidence")
