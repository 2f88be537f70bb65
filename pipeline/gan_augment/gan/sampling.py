"""Samples of a generator: which ones depends on seed, class and index, and on nothing else."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gan_augment.gan.networks.layers import GROUP
from gan_augment.seeding import rng

BLOCK = 128
BATCH = 256


def sample(
    generator: nn.Module,
    latent_dim: int,
    label: int,
    indices: range,
    seed: int,
    truncation: float | None = None,
) -> NDArray[Any]:
    """Return samples `indices` of a class: images, uint8 N×C×H×W, or features, float32 N×F.

    The generator always runs on whole, aligned blocks of 128 indices in float32, so that an image
    has the same bytes whatever is asked for along with it: a matrix product may round differently
    for another batch size.

    Args:
        generator: on the device to use.
        latent_dim: length of z.
        label: class asked for.
        indices: which of the endless sequence of images.
        seed: of the latents.
        truncation: see `normal`.
    """
    first = indices.start // BLOCK
    # A block is drawn even for no index: what it is cut from says the shape.
    blocks = range(first, max(-(-indices.stop // BLOCK), first + 1))
    labels = np.full(BLOCK, label)
    images = [
        render(
            generator,
            normal((BLOCK, latent_dim), truncation, seed, "latent", label, block),
            labels,
        )
        for block in blocks
    ]
    start = first * BLOCK
    return np.concatenate(images)[indices.start - start : indices.stop - start]


def normal(
    size: tuple[int, ...], truncation: float | None, seed: int, *stream: int | str
) -> NDArray[np.float32]:
    """Return latents of a named stream, float32: standard normal, or that within ±`truncation`.

    The smaller the bound, the more typical and the more alike the images (Brock et al. 2019,
    section 3.1, "truncation trick").
    """
    draw = rng(seed, *stream)
    if truncation is None:
        return draw.standard_normal(size, dtype=np.float32)
    from scipy.stats import truncnorm

    return truncnorm.ppf(draw.random(size), -truncation, truncation).astype(np.float32)


@torch.no_grad()
def render(generator: Any, z: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[Any]:
    """Return the samples of latents N×Z and labels N: uint8 N×C×H×W, or float32 N×F."""
    device = next(generator.parameters()).device
    latents, y = (torch.from_numpy(values).to(device) for values in (z, labels))
    samples: NDArray[Any] = generator.codec.show(generator(latents, y), y)
    return samples


@torch.no_grad()
def logits(
    discriminator: Any, samples: NDArray[Any], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what a discriminator in evaluation mode says of samples (N rows) and labels N: N.

    Batches are whole groups of a minibatch standard deviation; the last one is filled up with
    samples from the start.
    """
    device = next(discriminator.parameters()).device
    rows = np.resize(np.arange(len(samples)), -(-len(samples) // GROUP) * GROUP)
    parts = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        x = discriminator.codec.see(discriminator.codec.hold(samples[part]).to(device))
        parts.append(discriminator(x, torch.from_numpy(labels[part]).to(device)))
    said: NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()[: len(samples)]
    return said
