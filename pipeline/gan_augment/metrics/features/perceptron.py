"""A perceptron on the features of a backbone: what the small network is for images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_augment.metrics.features.extractor import Features, Pixels
from gan_augment.seeding import seed_of
from gan_augment.storage import digest
from gan_augment.table import Images

HIDDEN = 64
WEIGHT_DECAY = 0.1
EPOCHS = 60


@dataclass(frozen=True)
class Perceptron:
    """One hidden layer of 64 on standardised features, by scikit-learn.

    Attributes:
        name: kind and hash.
        scaler, network: both fitted.
    """

    name: str
    scaler: Any
    network: Any

    def __call__(self, pixels: Pixels) -> Features:
        """Return hidden activations N×64 of features N×F, float32, and class probabilities N×K."""
        standard = self.scaler.transform(pixels).astype(np.float64)
        hidden = np.maximum(standard @ self.network.coefs_[0] + self.network.intercepts_[0], 0)
        return Features(hidden, self.network.predict_proba(standard).astype(np.float64))


def perceptron(images: Images, seed: int) -> Perceptron:
    """Train on features of the train split; every class counts the same.

    Args:
        images: of features; each class has a row.
        seed: of initial weights and batches.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    counts = images.counts()
    weights = len(images) / (np.count_nonzero(counts) * counts[images.labels])
    scaler = StandardScaler().fit(images.pixels.astype(np.float64))
    network = MLPClassifier(
        HIDDEN, alpha=WEIGHT_DECAY, max_iter=EPOCHS, random_state=seed_of(seed, "perceptron")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs are meant
        network.fit(scaler.transform(images.pixels.astype(np.float64)), images.labels, weights)
    content = digest(*(part.tobytes() for part in (*network.coefs_, *network.intercepts_)))
    return Perceptron(f"perceptron-{content[:8]}", scaler, network)
