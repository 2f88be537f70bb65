"""The classifiers that judge: each trains on a training set and scores images, one registry.

Those of scikit-learn see pixels as numbers 0–1, or the leading principal components of larger
images; the networks see images.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.evaluation.arms import TrainingSet
from pipeline.params import EvaluateParams
from pipeline.seeding import seed_of

PIXELS_UP_TO = 256
COMPONENTS = 128

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Judge = Callable[[TrainingSet, Sequence[Pixels], EvaluateParams, int], list[Scores]]
"""(training set, sets to score, params, seed) → class scores of each set, float64 N×C.

Rows add up to 1; the class of the highest score is the label that is predicted.
"""


def logistic_regression(seed: int) -> Any:
    """Multinomial logistic regression with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=2000, random_state=seed)


def k_nn(_: int) -> Any:
    """Five nearest neighbours; it knows no weights of rows."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(5)


def rbf_svm(seed: int) -> Any:
    """Support vector machine with a Gaussian kernel.

    `break_ties` makes it predict the class of the highest decision function.
    """
    from sklearn.svm import SVC

    return SVC(C=10.0, gamma="scale", break_ties=True, random_state=seed)


def _sklearn(estimator: Callable[[int], Any]) -> Judge:
    def judge(
        training_set: TrainingSet, targets: Sequence[Pixels], _: EvaluateParams, seed: int
    ) -> list[Scores]:
        from sklearn.utils.validation import has_fit_parameter

        pixels, labels, weights = _with_transformed_copies(training_set, seed)
        fitted = estimator(seed_of(seed, "classifier"))
        weighted = {"sample_weight": weights} if has_fit_parameter(fitted, "sample_weight") else {}
        features, *judged = _features(pixels, targets)
        fitted.fit(features, labels, **weighted)
        return [class_scores(fitted, target, training_set.classes) for target in judged]

    return judge


def class_scores(fitted: Any, features: NDArray[np.float64], classes: int) -> Scores:
    """Return what a fitted estimator says of each class, float64 N×C; rows add up to 1.

    Its probabilities; without any, the softmax of its decision function; without either, 1 for
    the label it predicts. A class that it was never shown has 0.
    """
    if hasattr(fitted, "predict_proba"):
        known = fitted.predict_proba(features)
    elif hasattr(fitted, "decision_function"):
        decision = np.asarray(fitted.decision_function(features), np.float64)
        known = softmax(
            decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1), axis=1
        )
    else:
        known = fitted.predict(features)[:, None] == fitted.classes_
    scores = np.zeros((len(features), classes))
    scores[:, fitted.classes_] = known
    return scores


def _with_transformed_copies(
    training_set: TrainingSet, seed: int
) -> tuple[Pixels, Labels, NDArray[np.float64]]:
    """Return the rows; with classic augmentation also one transformed copy of each."""
    pixels, labels, weights = training_set.pixels, training_set.labels, training_set.weights
    if training_set.classic is None:
        return pixels, labels, weights
    from pipeline.evaluation.classic import transformed

    copies = transformed(pixels, training_set.classic, seed_of(seed, "classic"))
    return np.concatenate([pixels, copies]), np.tile(labels, 2), np.tile(weights, 2)


def _cnn(
    training_set: TrainingSet, targets: Sequence[Pixels], params: EvaluateParams, seed: int
) -> list[Scores]:
    from pipeline.evaluation.cnn import judge

    return judge(training_set, targets, params.cnn_steps, seed)


def _features(pixels: Pixels, targets: Sequence[Pixels]) -> list[NDArray[np.float64]]:
    """Return what the classifiers see of the training images and of each target.

    Principal components of the training images stand for more than 256 values: of 32×32 photographs
    they keep an SVM's accuracy and take a seventh of its time.
    """
    flat = [_flat(part) for part in (pixels, *targets)]
    most = min(COMPONENTS, len(pixels))
    if flat[0].shape[1] <= PIXELS_UP_TO or most < 2:
        return flat
    from sklearn.decomposition import PCA

    pca = PCA(most, svd_solver="randomized", random_state=0).fit(flat[0])
    return [pca.transform(part) for part in flat]


def _flat(pixels: Pixels) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1) / 255


CLASSIFIERS: dict[str, Judge] = {
    "logistic-regression": _sklearn(logistic_regression),
    "k-nn": _sklearn(k_nn),
    "rbf-svm": _sklearn(rbf_svm),
    "cnn": _cnn,
}
