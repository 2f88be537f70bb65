"""One judge for all contestants: the same feature network, reference and number of images."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.fashion_mnist import labelled
from pipeline.metrics import features, fidelity
from pipeline.metrics.cas import classification_accuracy_score
from pipeline.table import Images

Scores = dict[str, float | None]


class Judge:
    """Scores images against held-out ones that no contestant has seen.

    Attributes:
        name: of the feature network, which is trained on the training images alone.
    """

    def __init__(self, train: Images, held_out: Images, seed: int) -> None:
        self._held_out = held_out
        self._network = features.train_network(train, seed)
        self._pixels = features.principal_components(train)
        self.name = self._network.name
        self._real = self._network(held_out.pixels), self._pixels(held_out.pixels)

    def score(
        self, pixels: NDArray[np.uint8], labels: NDArray[np.int64], *, conditional: bool = True
    ) -> Scores:
        """Return CAS (None without labels), KID, and KID on principal components of pixels.

        Args:
            pixels: uint8 N×1×28×28; compare numbers of equal N only.
            labels: int64 N.
            conditional: whether the labels mean anything.
        """
        synthetic = labelled(pixels, labels)
        network, flat = self._real
        return {
            "cas": classification_accuracy_score(synthetic, self._held_out)
            if conditional
            else None,
            "kid": _kid(network.values, self._network(pixels).values),
            "kid_pixels": _kid(flat.values, self._pixels(pixels).values),
        }

    def score_real(self, train: Images, per_class: int) -> Scores:
        """Return the scores of the first training images of each class: the floor of KID."""
        rows = [np.flatnonzero(train.labels == y)[:per_class] for y in range(len(train.classes))]
        chosen = np.concatenate(rows)
        return self.score(train.pixels[chosen], train.labels[chosen])


def _kid(real: NDArray[np.float64], synthetic: NDArray[np.float64]) -> float | None:
    """Return the kernel distance, or None where there are too few images to tell."""
    try:
        return fidelity.kernel_distance(real, synthetic)
    except fidelity.TooFewRowsError:
        return None
