"""Networks that judge, trained for a fixed number of steps whatever the arm."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from gan_augment import bfloat16
from gan_augment.evaluation.classic import transform
from gan_augment.evaluation.scores import check_shape
from gan_augment.evaluation.training_set import TrainingSet
from gan_augment.seeding import seed_of

BATCH = 64
LEARNING_RATE = 5e-3
WARM_UP = 0.2
FEWEST = 6
"""Steps of the shortest cycle, of which fewer are the start: of 5, torch divides by zero."""
WEIGHT_DECAY = 0.05
WIDTH = 32
RESNET_WIDTH = 16
SMALLEST = 4

Batch = tuple[Tensor, Tensor, Tensor]
"""Images N×C×H×W, their class probabilities N×K, and weights N."""
Network = Callable[[int, int], nn.Module]
"""(channels, classes) → a module from float32 N×C×H×W, −1 to 1, to logits N×classes."""


def cnn(channels: int, classes: int) -> nn.Module:
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


class Block(nn.Module):
    """Two convolutions and a shortcut (He et al. 2016, figure 2), the first with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features, at 1/stride of the size."""
        return F.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """ResNet-18 sized to the image: a stem of stride 1, and as many of its stages as halve it to 4.

    Stages are built at the first call, when the size of the images is known: at 64 pixels the
    usual four, at 28 three, at 8 two, of two blocks each, 16, 32, 64 and 128 channels wide.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.channels, self.classes = channels, classes
        self.layers = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits N×classes of images N×C×H×W."""
        if not len(self.layers):
            self.layers = self._build(min(x.shape[2:]))
        return self.layers(x)

    def _build(self, side: int) -> nn.Sequential:
        width, stages = RESNET_WIDTH, 1
        while stages < 4 and side / 2**stages >= SMALLEST:
            stages += 1
        layers: list[nn.Module] = [
            nn.Conv2d(self.channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        inputs = width
        for stage in range(stages):
            outputs = width * 2**stage
            layers += [Block(inputs, outputs, 1 if stage == 0 else 2), Block(outputs, outputs, 1)]
            inputs = outputs
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, self.classes)]
        return nn.Sequential(*layers, *head)


def _scaled(pixels: Tensor) -> Tensor:
    x = pixels.float() / 127.5 - 1
    return x.contiguous(memory_format=torch.channels_last)


def judge(
    network: Network,
    training_set: TrainingSet,
    targets: Sequence[NDArray[np.uint8]],
    steps: int,
    seed: int,
) -> list[NDArray[np.float64]]:
    """Train for `steps` batches of 64; return the class probabilities of each target, N×C.

    AdamW (Loshchilov & Hutter 2019) over one cycle of the learning rate (Smith & Topin 2018).

    Raises:
        UserError: the network does not give one logit for each class.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, "network"))
        net = network(training_set.pixels.shape[1], training_set.classes)
        few = torch.from_numpy(training_set.pixels[:2])
        logits = net(_scaled(few))  # gives lazy layers their size
        check_shape(type(net).__name__, tuple(logits.shape), (len(few), training_set.classes))
        # A sixth to a quarter less time a step on CPUs.
        net.train().to(memory_format=torch.channels_last)
        drawn = batches(training_set, steps)
        half = network in NETWORKS.values() and bfloat16.native()
        learn(net, net.parameters(), LEARNING_RATE, drawn, steps, half)
        net.eval()
        return [predict(net, target) for target in targets]


def learn(
    net: nn.Module,
    weights: Iterable[nn.Parameter],
    rate: float,
    batches: Iterable[Batch],
    steps: int,
    half: bool = False,
) -> None:
    """Train a network, in the mode that it is in, by AdamW over one cycle of the learning rate.

    Args:
        net: from images as `batches` has them to logits.
        weights: what of it learns.
        rate: of learning, at the height of the cycle.
        batches: as many as `steps`.
        steps: of the cycle.
        half: whether it computes in bfloat16, which takes a third less time on processors that
            multiply it, though twice the time for depthwise convolutions.
    """
    optimizer = torch.optim.AdamW(weights, rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=max(steps, FEWEST), pct_start=WARM_UP
    )
    for x, soft, counts in batches:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = net(x)
        losses = F.cross_entropy(logits.float(), soft, reduction="none")
        optimizer.zero_grad()
        (losses * counts).mean().backward()
        optimizer.step()
        schedule.step()


def batches(
    training_set: TrainingSet,
    steps: int,
    size: int = BATCH,
    prepare: Callable[[Tensor], Tensor] = _scaled,
) -> Iterator[Batch]:
    """Yield images N×C×H×W, as `prepare` makes them of uint8, their class probabilities, weights.

    Args:
        training_set: what they are drawn from, and how they are transformed and mixed.
        steps: how many.
        size: N.
        prepare: uint8 N×C×H×W, 0–255, to what the network sees; by default −1 to 1.
    """
    pixels = torch.from_numpy(training_set.pixels)
    labels = torch.from_numpy(training_set.labels)
    one_hot = np.eye(training_set.classes)[training_set.labels]
    soft = torch.from_numpy(one_hot if training_set.soft is None else training_set.soft).float()
    weights = torch.from_numpy(training_set.weights).float()
    apply = transform(training_set.classic) if training_set.classic else None
    mixer = _mixer(training_set)
    for step in range(steps):
        allowed = torch.from_numpy(training_set.rows_at(step, steps, size))
        rows = allowed[torch.randint(len(allowed), (size,))]
        batch = prepare(apply(pixels[rows]) if apply else pixels[rows])
        targets = soft[rows]
        if mixer:
            batch, targets = mixer(batch, labels[rows])
        yield batch, targets, weights[rows]


def _mixer(training_set: TrainingSet) -> nn.Module | None:
    if training_set.mix is None:
        return None
    from torchvision.transforms import v2

    kind, alpha = training_set.mix
    mixers: dict[str, Any] = {"mixup": v2.MixUp, "cutmix": v2.CutMix}
    made: nn.Module = mixers[kind](alpha=alpha, num_classes=training_set.classes)
    return made


@torch.no_grad()
def predict(
    net: nn.Module,
    pixels: NDArray[np.uint8],
    prepare: Callable[[Tensor], Tensor] = _scaled,
    at_once: int = 512,
) -> NDArray[np.float64]:
    """Return class probabilities, float64 N×K, of images, uint8 N×C×H×W; args as of `batches`."""
    starts = range(0, len(pixels), at_once)
    # Copied, since torch warns of arrays in files that nobody may write to.
    images = (torch.from_numpy(pixels[start : start + at_once].copy()) for start in starts)
    parts = [net(prepare(part)).double().softmax(1) for part in images]
    scores: NDArray[np.float64] = torch.cat(parts).numpy()
    return scores


NETWORKS: dict[str, Network] = {"cnn": cnn, "resnet": ResNet}
