"""A small convolutional network, trained for a fixed number of steps whatever the arm."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.evaluation.arms import TrainingSet
from pipeline.evaluation.classic import transform
from pipeline.seeding import seed_of

BATCH = 64
LEARNING_RATE = 2e-3
WIDTH = 32


def network(channels: int, classes: int) -> nn.Sequential:
    """Return two stages of convolution and pooling, a convolution, and a linear layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, WIDTH), (WIDTH, 2 * WIDTH)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    layers += [nn.Conv2d(2 * WIDTH, 2 * WIDTH, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(classes))


def judge(
    training_set: TrainingSet, targets: Sequence[NDArray[np.uint8]], steps: int, seed: int
) -> list[NDArray[np.float64]]:
    """Train for `steps` batches of 64; return the class probabilities of each target, N×C."""
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, "cnn"))
        pixels = torch.from_numpy(training_set.pixels)
        labels = torch.from_numpy(training_set.labels)
        weights = torch.from_numpy(training_set.weights).float()
        augment = transform(training_set.classic) if training_set.classic else None
        net = network(pixels.shape[1], training_set.classes)
        net(_scaled(pixels[:2]))  # gives the lazy layer its size
        optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            rows = torch.randint(len(labels), (BATCH,))
            batch = pixels[rows]
            if augment:
                batch = torch.stack([augment(image) for image in batch])
            losses = F.cross_entropy(net(_scaled(batch)), labels[rows], reduction="none")
            loss = (losses * weights[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        net.eval()
        return [_predict(net, torch.from_numpy(target)) for target in targets]


@torch.no_grad()
def _predict(net: nn.Module, pixels: Tensor) -> NDArray[np.float64]:
    parts = [net(_scaled(part)).double().softmax(1) for part in pixels.split(512)]
    scores: NDArray[np.float64] = torch.cat(parts).numpy()
    return scores


def _scaled(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1
