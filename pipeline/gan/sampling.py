"""Images from a generator: which ones depends on seed, class and index, and on nothing else."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.seeding import rng

BLOCK = 128


@torch.no_grad()
def sample(
    generator: nn.Module, latent_dim: int, label: int, indices: range, seed: int
) -> NDArray[np.uint8]:
    """Return images `indices` of a class, uint8 N×C×H×W.

    The generator always runs on whole, aligned blocks of 128 indices in float32, so that an image
    has the same bytes whatever is asked for along with it: a matrix product may round differently
    for another batch size.
    """
    device = next(generator.parameters()).device
    blocks = range(indices.start // BLOCK, -(-indices.stop // BLOCK))
    images = [
        _to_uint8(generator(*(t.to(device) for t in _block(latent_dim, label, block, seed))))
        for block in blocks
    ]
    first = blocks.start * BLOCK
    return np.concatenate(images)[indices.start - first : indices.stop - first]


def _block(latent_dim: int, label: int, block: int, seed: int) -> tuple[Tensor, Tensor]:
    draw = rng(seed, "latent", label, block)
    z = draw.standard_normal((BLOCK, latent_dim), dtype=np.float32)
    return torch.from_numpy(z), torch.full((BLOCK,), label)


def _to_uint8(images: Tensor) -> NDArray[np.uint8]:
    levels = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).cpu().contiguous().numpy()
