"""One judge for all contestants: the same feature network, reference and number of images."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets import first, labelled
from gan_augment.metrics import features, fidelity
from gan_augment.metrics.cas import classification_accuracy_score
from gan_augment.table import Images

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
        """Return CAS (None without labels), FID, KID, and KID on principal components of pixels.

        What would need more images than there are is None.

        Args:
            pixels: uint8 N×1×28×28; compare numbers of equal N only.
            labels: int64 N.
            conditional: whether the labels mean anything.
        """
        synthetic = labelled(pixels, labels, self._held_out.classes)
        network, flat = self._real
        return {
            "cas": classification_accuracy_score(synthetic, self._held_out)
            if conditional
            else None,
            "fid": _score(fidelity.frechet_distance, network, made := self._network(pixels)),
            "kid": _score(fidelity.kernel_distance, network, made),
            "kid_pixels": _score(fidelity.kernel_distance, flat, self._pixels(pixels)),
        }

    def score_real(self, train: Images, per_class: int) -> Scores:
        """Return the scores of the first training images of each class: the floor of KID."""
        chosen = first(train, per_class)
        return self.score(chosen.pixels, chosen.labels)


def _score(
    distance: Callable[..., float], real: features.Features, synthetic: features.Features
) -> float | None:
    """Return a distance, or None where there are too few images to tell."""
    try:
        return distance(real.values, synthetic.values)
    except fidelity.TooFewRowsError:
        return None
