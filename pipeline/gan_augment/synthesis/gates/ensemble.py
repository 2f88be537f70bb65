"""Classifiers of the gates' own: a deep ensemble, calibrated.

Neither the networks that judge fidelity nor the classifiers that judge the verdict: who filters
must not judge what is left.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from gan_augment.metrics import features
from gan_augment.metrics.features import Extractor
from gan_augment.seeding import seed_of
from gan_augment.synthesis.gates.second import SecondBackbone
from gan_augment.table import Images

MEMBERS = 3
TEMPERATURES = 0.1, 10.0
TINY = 1e-12


class Seen(NamedTuple):
    """What the ensemble makes of N images: features N×F and probabilities N×K, float64."""

    values: NDArray[np.float64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Ensemble:
    """Classifiers that differ in their seed alone (Lakshminarayanan et al. 2017).

    Attributes:
        members: the networks.
        temperature: the pooled log-probabilities are divided by it.
        second: the backbone through which they see images, if any.
    """

    members: list[Extractor]
    temperature: float = 1.0
    second: SecondBackbone | None = None

    def __call__(self, pixels: NDArray[np.uint8]) -> Seen:
        """Return the members' features side by side, and their mean probabilities, calibrated."""
        samples = self.second(pixels) if self.second else pixels
        seen = [member(samples) for member in self.members]
        pooled = np.stack([np.asarray(part.probabilities) for part in seen]).mean(axis=0)
        return Seen(
            np.concatenate([part.values for part in seen], axis=1),
            tempered(pooled, self.temperature),
        )


def calibrated_ensemble(
    train: Images,
    validation: Images,
    seed: int,
    scratch: Path,
    second: SecondBackbone | None = None,
) -> Ensemble:
    """Train the members on `train` and choose their temperature on `validation`.

    Pool first, then calibrate (Rahaman & Thiery 2021), by the temperature of least log-loss (Guo et
    al. 2017).

    Args:
        train: real images.
        validation: others.
        seed: of the members.
        scratch: where trained members are kept, so that a resumed run need not train them again.
        second: the backbone through which they see images, if any.
    """
    train = second.images(train) if second else train
    members = [_member(train, seed_of(seed, "gates", n), n, scratch) for n in range(MEMBERS)]
    pooled = Ensemble(members, second=second)(validation.pixels).probabilities
    return Ensemble(members, temperature_of(pooled, validation.labels), second)


def _member(train: Images, seed: int, number: int, scratch: Path) -> Extractor:
    if train.space:
        return features.perceptron(train, seed)
    return features.train_once(train, seed, scratch / f"member-{number}.safetensors")


def tempered(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return softmax(log p / T), N×K."""
    logits = np.log(np.maximum(probabilities, TINY))
    result: NDArray[np.float64] = softmax(logits / temperature, axis=1)
    return result


def temperature_of(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature at which the log-loss of the labels is least.

    Args:
        probabilities: N×K.
        labels: N.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        own = tempered(probabilities, float(np.exp(log_temperature)))[rows, labels]
        return float(-np.log(np.maximum(own, TINY)).mean())

    bounds = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
