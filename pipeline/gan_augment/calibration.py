"""A Gaussian a class, whose covariance a handful of samples has to give.

Three estimates: the class's own covariance, shrunk (Ledoit & Wolf 2004); half of that and half that
of all classes around their means, so that scarce classes borrow from the others (distribution
calibration, Yang et al. 2021); or that of the sample, which keeps to the directions in which the
class was seen to vary.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Covariance = Literal["own", "calibrated", "sample"]
COVARIANCES: tuple[Covariance, ...] = ("own", "calibrated", "sample")
FLOOR = 1e-4
"""Of the variances of `sample`, as a share of the mean variance of all rows."""


class Gaussians:
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
        self._floor: float = FLOOR * float(rows.var(axis=0).mean())

    def factor(self, label: int, jitter: float, covariance: Covariance) -> Floats:
        """Return L, float64 D×D: L Lᵀ is the covariance of a class, `jitter` on its diagonal.

        A class of one row has that of all classes.
        """
        size = len(self._pooled)
        estimate = self._estimate(self._own[label], covariance)
        return np.asarray(np.linalg.cholesky(estimate + jitter * np.eye(size)), np.float64)

    def _estimate(self, rows: Floats, covariance: Covariance) -> Floats:
        from sklearn.covariance import ledoit_wolf

        if len(rows) == 1:
            return self._pooled
        if covariance == "sample":
            seen = np.atleast_2d(np.cov(rows.T)).astype(np.float64)
            return seen + self._floor * np.eye(len(seen))
        own: Floats = ledoit_wolf(rows)[0]
        return own if covariance == "own" else (own + self._pooled) / 2
