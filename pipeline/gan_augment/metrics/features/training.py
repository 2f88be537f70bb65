"""Training the small network, and keeping it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from gan_augment.errors import UserError
from gan_augment.metrics.features.classifier import Classifier, Shape
from gan_augment.metrics.features.extractor import (
    IMAGES_AT_ONCE,
    Network,
    as_extractor,
    filled,
    weights_of,
)
from gan_augment.progress import progress
from gan_augment.seeding import rng, seed_of
from gan_augment.storage import replace_file
from gan_augment.table import Images

BATCH = 64
EPOCHS = 30
STEPS = 200, 1000
LEARNING_RATE = 1e-2
WARM_UP = 0.2
WEIGHT_DECAY = 0.05
SHIFT_SHARE = 16


def train_network(
    images: Images, seed: int, device: torch.device | str = "cpu"
) -> Network[Classifier]:
    """Train a classifier on the train split, for its features.

    AdamW (Loshchilov & Hutter 2019) over one cycle of the learning rate; 30 epochs, though 200
    steps at least and 1,000 at most. Batches hold every class equally often, and each image is
    shifted by up to a sixteenth of its size (at least a pixel).

    The weights depend on images, seed and, in their last bits, on device and thread count. The
    global random state stays as it was.

    Args:
        images: of the train split and of no other.
        seed: of initial weights, batches and shifts.
        device: where to train, and where the extractor will run.
    """
    _, channels, height, width = images.pixels.shape
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, "feature network"))
        network = Classifier(Shape(channels, height, width, len(images.classes)))
    network.to(device)
    steps = int(np.clip(EPOCHS * len(images) // BATCH, *STEPS))
    optimizer = torch.optim.AdamW(
        network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=WARM_UP
    )
    with progress("train the feature network", steps, "steps", each=(BATCH, "images")) as advance:
        for step, (pixels, labels) in enumerate(_batches(images, steps, seed, device), start=1):
            loss = F.cross_entropy(network(pixels)[1], labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            advance(step)
    return _trained(network)


def train_once(
    images: Images, seed: int, path: Path, device: torch.device | str = "cpu"
) -> Network[Classifier]:
    """Return the network of `train_network`, which `path` keeps for a run that goes on.

    What is kept there is taken for it, whatever the images and the seed.

    Raises:
        UserError: it is no such file.
    """
    if not path.exists():
        save(train_network(images, seed, device), path)
    return load(path, device)


def save(extractor: Network[Classifier], path: Path) -> None:
    """Write a trained network as one safetensors file, its shape in the header, atomically."""
    shape = json.dumps(asdict(extractor.module.shape))
    with replace_file(path) as partial:
        save_file(weights_of(extractor.module), partial, {"shape": shape})


def load(path: Path, device: torch.device | str = "cpu") -> Network[Classifier]:
    """Read a network that `save` wrote.

    Raises:
        UserError: it is missing or is no such file.
    """
    try:
        with safe_open(path, "pt") as file:
            shape = Shape(**json.loads(file.metadata()["shape"]))
        network = filled(lambda: Classifier(shape), load_file(path))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{path} is not a feature network ({error}): delete it to have it trained again"
        ) from None
    return _trained(network.to(device))


def _batches(
    images: Images, steps: int, seed: int, device: torch.device | str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield uint8 images 64×C×H×W and labels: classes equally often on average, images shifted.

    A row or column beyond the edge is that of the edge.
    """
    draw = rng(seed, "feature network")
    counts = images.counts()
    share = 1 / (counts[images.labels] * np.count_nonzero(counts))
    height, width = images.pixels.shape[2:]
    reach = max(1, min(height, width) // SHIFT_SHARE)
    rows = draw.choice(len(images), (steps, BATCH), p=share)
    corners = draw.integers(2 * reach + 1, size=(steps, 2, BATCH, 1, 1)) - reach
    each = torch.arange(BATCH, device=device)[:, None, None]
    down = torch.arange(height, device=device)[:, None]
    right = torch.arange(width, device=device)
    for chosen, corner in zip(rows, corners, strict=True):
        # Only the rows of the batch: all of them may be mapped, and larger than memory.
        pixels, labels, (top, left) = (
            torch.from_numpy(part).to(device)
            for part in (images.pixels[chosen], images.labels[chosen], corner)
        )
        inside = (top + down).clamp(0, height - 1), (left + right).clamp(0, width - 1)
        yield pixels[each, :, *inside].permute(0, 3, 1, 2), labels


def _trained(network: Classifier) -> Network[Classifier]:
    return as_extractor("network", network, IMAGES_AT_ONCE)
