"""The judge `fine-tuned`: a pretrained network whose last blocks learn with a new head.

What practitioners do with few photographs. The first blocks stay as they are, and so do the
statistics of all batch normalisation, which few images would spoil.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torchvision.transforms import v2

from gan_augment.embed import backbones
from gan_augment.embed.backbones import Backbone
from gan_augment.evaluation import networks
from gan_augment.evaluation.classifiers import logistic_regression
from gan_augment.evaluation.training_set import TrainingSet
from gan_augment.metrics.lift import C_OF_FEATURES
from gan_augment.seeding import seed_of

BATCH = 32
LAST = 2
"""Parts of the network that learn, of those in which timm divides it: of EfficientNet-Lite the last
two stages of blocks, the last convolution being one with the last of them."""
RATE = 1e-3
"""Learning rate at the height of its cycle."""
UNSEEN = -10.0
"""The logit at first of a class without rows."""


class Network(nn.Module):
    """A backbone, and a linear layer from its features to logits."""

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.backbone = copy.deepcopy(backbone.network)
        self.head = nn.Linear(backbone.width, classes)
        self.last = _last(self.backbone)
        for parameter in self.last:
            parameter.requires_grad_(True)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits N×classes of images as the backbone wants them."""
        return self.head(self.backbone(x))


def judge(
    training_set: TrainingSet,
    targets: Sequence[NDArray[np.uint8]],
    steps: int,
    seed: int,
) -> list[NDArray[np.float64]]:
    """Train for `steps` batches of 32; return the class probabilities of each target, N×C.

    The head begins as a logistic regression on frozen features: one that begins at random would
    spoil the blocks before it knows better (Kumar et al. 2022, "LP-FT").

    Args:
        training_set: of images, with the network that it starts from.
        targets: images, uint8 N×C×H×W.
        steps: of training.
        seed: of batches and transforms.
    """
    start = training_set.pretrained
    assert start is not None
    params = backbones.params_of(start.space, start.weights)
    backbone = backbones.loaded_once(params, start.space.backbone)
    prepare = partial(_prepared, backbone)
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, "fine-tuning"))
        net = Network(backbone, training_set.classes).eval().to(memory_format=torch.channels_last)
        rows = training_set.rows_at(steps - 1, steps, BATCH)
        _probe(net, training_set, rows, prepare, seed)
        learning = [*net.last, *net.head.parameters()]
        drawn = networks.batches(training_set, steps, BATCH, prepare)
        networks.learn(net, learning, RATE, drawn, steps)
        return [networks.predict(net, target, prepare, BATCH) for target in targets]


@torch.no_grad()
def _probe(
    net: Network,
    training_set: TrainingSet,
    rows: NDArray[np.intp],
    prepare: Callable[[Tensor], Tensor],
    seed: int,
) -> None:
    """Begin the head as a logistic regression on what the backbone sees in some rows."""
    labels, pixels = training_set.labels[rows], torch.from_numpy(training_set.pixels[rows])
    if len(np.unique(labels)) == 1:
        return
    seen = torch.cat([net.backbone(prepare(part)) for part in pixels.split(BATCH)]).numpy()
    scaler = StandardScaler().fit(seen)
    fitted = logistic_regression(seed_of(seed, "probe"), C_OF_FEATURES)
    fitted.fit(scaler.transform(seen), labels, training_set.weights[rows])
    weight, bias = fitted.coef_ / scaler.scale_, fitted.intercept_
    bias = bias - weight @ scaler.mean_
    if len(fitted.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    net.head.weight.zero_()
    net.head.bias.fill_(UNSEEN)
    net.head.weight[fitted.classes_] = torch.from_numpy(weight).float()
    net.head.bias[fitted.classes_] = torch.from_numpy(bias).float()


def _prepared(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Return images, uint8 N×C×H×W, as the backbone wants them, float32 N×3×H×W."""
    resample = v2.InterpolationMode[backbone.resample.name]
    resized = v2.functional.resize(pixels, list(backbone.size), resample, antialias=True)
    return backbone.normalise(resized.expand(-1, 3, -1, -1))


def _last(network: Any) -> list[nn.Parameter]:
    """Return the weights of the last parts of a network."""
    from timm.models import group_parameters

    part_of = group_parameters(network, network.group_matcher(coarse=True), reverse=True)
    last = sorted(set(part_of.values()))[-LAST:]
    return [weight for name, weight in network.named_parameters() if part_of[name] in last]
