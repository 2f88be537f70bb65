"""Lift on validation: what synthetic samples add to real ones, for classifiers that people use.

The classification accuracy score asks what synthetic samples teach by themselves. A generator can
be high by it and add nothing beside real samples, or lower and add more.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gan_augment.balance import filling
from gan_augment.table import Images

COMPONENTS = 128
C_OF_FEATURES = 0.01
"""Of logistic regression on all standardised features of a backbone: about the best for every
method on validation images of TrashNet."""
MOST = 1_500
"""Real samples that classifiers learn from, at most: an SVM takes the square of all."""
MOST_SEEN = 5_000
"""Of a split, for the components and to be told apart: as floats they take eight times the room."""


class Gain(NamedTuple):
    """Balanced accuracy gained, and its standard error over validation samples; shares."""

    lift: float
    error: float


class Lift:
    """Classifiers that learn from real samples, alone and with synthetic ones beside them.

    Logistic regression, five neighbours and an SVM with a Gaussian kernel, on the 128 leading
    principal components of real training samples, standardised if they are features.

    Attributes:
        extra: how many synthetic samples of each class are added, int64: as many as bring it up to
            the largest, or to twice that where this would add few.
    """

    def __init__(self, train: Images, validation: Images, seed: int) -> None:
        """Train on the real samples alone, or on a fair sample of them."""
        train, validation = (part.at_most(MOST_SEEN, seed) for part in (train, validation))
        learnt = train.at_most(MOST, seed)
        self._labels, self._truth = learnt.labels, validation.labels
        self._see, self._penalty = _projection(train), C_OF_FEATURES if train.space else 1.0
        self._real, self._unseen = self._see(learnt.pixels), self._see(validation.pixels)
        self._alone = self._right(self._real, self._labels)
        self.extra = filling(learnt.counts())

    def __call__(self, samples: NDArray[Any], labels: NDArray[np.int64]) -> Gain:
        """Return what synthetic samples, N×C×H×W or N×F, with labels N add."""
        rows = np.concatenate([self._real, self._see(samples)])
        gained = self._right(rows, np.concatenate([self._labels, labels])) - self._alone
        of_class = [gained[self._truth == label] for label in np.unique(self._truth)]
        squared = sum(own.var() / len(own) for own in of_class)
        lift = float(np.mean([own.mean() for own in of_class]))
        return Gain(lift, float(np.sqrt(squared)) / len(of_class))

    def _right(self, rows: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return which share of the classifiers knows each validation sample, N."""
        with threadpool_limits(1):  # sums of several threads differ by how many there are
            fitted = [one.fit(rows, labels) for one in self._classifiers(len(rows))]
            found = [one.predict(self._unseen) for one in fitted]
        right: NDArray[np.float64] = np.mean([guess == self._truth for guess in found], axis=0)
        return right

    def _classifiers(self, rows: int) -> Sequence[Any]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.svm import SVC

        return (
            LogisticRegression(C=self._penalty, max_iter=2000),
            KNeighborsClassifier(min(5, rows)),
            SVC(C=10.0, gamma="scale"),
        )


def _projection(train: Images) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    flat = _flat(train.pixels)
    pca = PCA(min(COMPONENTS, *flat.shape), svd_solver="randomized", random_state=0)
    steps = make_pipeline(StandardScaler() if train.space else "passthrough", pca)
    with threadpool_limits(1):
        steps.fit(flat)
    return lambda samples: steps.transform(_flat(samples)).astype(np.float32)


def _flat(samples: NDArray[Any]) -> NDArray[Any]:
    """Return a vector a sample: features as they are, pixels from 0 to 1."""
    return samples if samples.ndim == 2 else samples.reshape(len(samples), -1) / 255
