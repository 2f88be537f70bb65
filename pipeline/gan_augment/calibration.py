"""Distribution calibration: a Gaussian a class, in which scarce classes borrow from the others.

The covariance is half the class's own and half that of all classes around their means (Yang et al.
2021), both shrunk (Ledoit & Wolf 2004).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Calibrated:
    """Gaussians of the classes that some vectors are of.

    Attributes:
        means: class index → mean, float64 D.
    """

    def __init__(self, rows: Floats, labels: NDArray[np.int64]) -> None:
        """Take vectors, float64 N×D, and their labels N."""
        from sklearn.covariance import ledoit_wolf

        self._own = {label: rows[labels == label] for label in np.unique(labels).tolist()}
        self.means = {label: own.mean(axis=0) for label, own in self._own.items()}
        around = rows - np.stack([self.means[label] for label in labels.tolist()])
        self._pooled: Floats = ledoit_wolf(around, assume_centered=True)[0]

    def factor(self, label: int, jitter: float) -> Floats:
        """Return L, float64 D×D: L Lᵀ is the covariance of a class, `jitter` on its diagonal."""
        from sklearn.covariance import ledoit_wolf

        rows = self._own[label]
        own = ledoit_wolf(rows)[0] if len(rows) > 1 else self._pooled
        factor: Floats = np.linalg.cholesky((own + self._pooled) / 2 + jitter * np.eye(len(own)))
        return factor
