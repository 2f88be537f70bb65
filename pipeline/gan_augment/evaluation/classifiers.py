"""The classifiers that judge: each trains on a training set and scores images, one registry.

Those of scikit-learn see pixels as numbers 0–1, or the leading principal components of larger
images or of a backbone's standardised features; the networks see images. A
class of the user's own is named `package.module:Class`.
"""

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from gan_augment import subsample
from gan_augment.errors import UserError, choose, reason
from gan_augment.evaluation.scores import check_shape
from gan_augment.evaluation.training_set import NO_IMAGE, Extent, TrainingSet, copies
from gan_augment.metrics.lift import C_OF_FEATURES, COMPONENTS
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.seeding import seed_of

PIXELS_UP_TO = 256
BLOCK = 1_000
"""Samples that are projected at a time, of very many."""
KERNEL_FEATURES = 500
"""What a Gaussian kernel's values with so many rows stand for it where rows are very many."""

Pixels = NDArray[np.uint8]
Features = NDArray[Any]
"""float64, or float32 where samples are: estimators take half the time then."""
Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Judge = Callable[[TrainingSet, Sequence[Pixels], EvaluateParams, int], list[Scores]]
"""(training set, sets to score, params, seed) → class scores of each set, float64 N×C.

Rows add up to 1; the class of the highest score is the label that is predicted.
"""


def logistic_regression(seed: int, c: float = 1.0) -> Any:
    """Multinomial logistic regression with an L2 penalty of weight 1 / (2c)."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=2000, random_state=seed)


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


def mlp(seed: int) -> Any:
    """A perceptron with a hidden layer of 64."""
    from sklearn.neural_network import MLPClassifier

    warnings.filterwarnings("ignore", "Stochastic Optimizer", category=UserWarning)  # as is meant
    return MLPClassifier(64, alpha=0.1, max_iter=60, random_state=seed)


def gradient_boosting(seed: int) -> Any:
    """Boosted trees on binned features (Ke et al. 2017, by scikit-learn)."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=seed)


@dataclass(frozen=True)
class Estimator:
    """A judge that is an estimator of scikit-learn.

    Of the features of a backbone it sees the leading components, as kernels and neighbours like it;
    or, made by `whole`, all of them.

    Attributes:
        make: from a seed to the estimator, not fitted.
        whole: the same for all features, if it can take them.
        many: where the largest arm has more than `MOST_ROWS` rows, which take it too long: what is
            fitted in its place, in every arm, and to what of what it sees.
    """

    make: Callable[[int], Any]
    whole: Callable[[int], Any] | None = None
    many: "Callable[[_Seen, int], tuple[Any, _Seen]] | None" = None

    def fit(self, training_set: TrainingSet, seed: int) -> tuple[Any, "Projection"]:
        """Return the fitted estimator, and what it sees of samples."""
        from sklearn.utils.validation import has_fit_parameter

        of_features = training_set.pixels.ndim == 2
        seen = _seen(training_set, seed, of_features and self.whole is not None)
        make = self.whole if self.whole and of_features else self.make
        fitted = make(seed_of(seed, "classifier"))
        if self.many and extent_of(training_set).most > subsample.MOST_ROWS:
            fitted, seen = self.many(seen, seed_of(seed, "classifier"))
        if getattr(fitted, "n_neighbors", 0) > len(seen.labels):
            fitted.set_params(n_neighbors=len(seen.labels))
        weighted = (
            {"sample_weight": seen.weights} if has_fit_parameter(fitted, "sample_weight") else {}
        )
        fitted.fit(seen.features, seen.labels, **weighted)
        return fitted, seen.project

    def __call__(
        self, training_set: TrainingSet, targets: Sequence[Pixels], _: EvaluateParams, seed: int
    ) -> list[Scores]:
        """Judge."""
        fitted, project = self.fit(training_set, seed)
        return [class_scores(fitted, project(target), training_set.classes) for target in targets]


def class_scores(fitted: Any, features: Features, classes: int) -> Scores:
    """Return what a fitted estimator says of each class, float64 N×C; rows add up to 1.

    Its probabilities; without any, the softmax of its decision function; without either, 1 for
    the label it predicts. A class that it was never shown has 0.

    Raises:
        UserError: it does not give one for each class that it was shown.
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
    shown = (len(features), len(fitted.classes_))
    check_shape(type(fitted).__name__, np.shape(known), shown)
    scores = np.zeros((len(features), classes))
    scores[:, fitted.classes_] = known
    return scores


class Projection(NamedTuple):
    """What estimators see of samples: flat values, pixels from 0 to 1, through fitted steps.

    Attributes:
        steps: transformers of scikit-learn, in order.
    """

    steps: tuple[Any, ...] = ()

    def __call__(self, samples: Pixels) -> Features:
        """Return N×F: float64 of pixels, uint8 N×C×H×W; float32 of features, float32 N×F."""
        if len(samples) > subsample.MOST_ROWS:  # as floats they take eight times the memory
            starts = range(0, len(samples), BLOCK)
            parts = [self._through(samples[start : start + BLOCK]) for start in starts]
            return np.concatenate(parts)
        return self._through(samples)

    def _through(self, samples: Pixels) -> Features:
        seen = _flat(samples)
        for step in self.steps:
            seen = step.transform(seen)
        return seen


class _Seen(NamedTuple):
    """What estimators are fitted to: features N×F, labels N, weights N; and a map to features."""

    features: Features
    labels: Labels
    weights: NDArray[np.float64]
    project: Projection


def extent_of(training_set: TrainingSet) -> Extent:
    """Return the extent of the comparison that a training set is of, or its own."""
    if training_set.extent:
        return training_set.extent
    rows = len(training_set.labels)
    return Extent(copies(rows), rows * (1 + copies(rows) * (training_set.classic is not None)))


@lru_cache(maxsize=2)
def _seen(training_set: TrainingSet, seed: int, whole: bool) -> _Seen:
    """Return what estimators see of a training set, worked out once for all of them.

    With classic augmentation there are some transformed copies of each row, too. Principal
    components of the training images stand for more than 256 values: of 32×32 photographs they
    keep an SVM's accuracy and take a seventh of its time.
    """
    pixels, labels, weights = training_set.pixels, training_set.labels, training_set.weights
    if training_set.classic is not None:
        pixels = np.concatenate([pixels, *_copies(training_set, training_set.classic, seed)])
        times = len(pixels) // len(labels)
        labels, weights = np.tile(labels, times), np.tile(weights, times)
    fitted = pixels
    if len(pixels) > subsample.MOST_ROWS:
        fitted = pixels[_fair(labels, seed)]
    project = _standardised(fitted, whole) if pixels.ndim == 2 else _projection(fitted)
    return _Seen(project(pixels), labels, weights, project)


def _nystroem_svm(seen: _Seen, seed: int) -> tuple[Any, _Seen]:
    """Return a linear SVM by stochastic gradient descent, and the kernel's features for it.

    The Nyström method (Williams & Seeger 2001), with the kernel that `rbf_svm` has.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import SGDClassifier

    gamma = 1 / (seen.features.shape[1] * max(float(seen.features.var()), 1e-12))
    rows = _fair(seen.labels, seed)
    number = min(KERNEL_FEATURES, len(rows))
    kernel = Nystroem(gamma=gamma, n_components=number, random_state=seed).fit(seen.features[rows])
    project = Projection((*seen.project.steps, kernel))
    features = kernel.transform(seen.features)
    svm = SGDClassifier(alpha=1 / (10.0 * len(features)), random_state=seed)
    return svm, _Seen(features, seen.labels, seen.weights, project)


def _of_a_sample(seen: _Seen, seed: int) -> tuple[Any, _Seen]:
    """Return nearest neighbours among a fair sample of the rows."""
    rows = _fair(seen.labels, seed)
    return k_nn(seed), _Seen(
        seen.features[rows], seen.labels[rows], seen.weights[rows], seen.project
    )


def _fair(labels: Labels, seed: int) -> NDArray[np.intp]:
    """Return a fair sample of about `MOST_ROWS` rows, in order; classes keep their shares."""
    counts = np.bincount(labels)
    share = subsample.MOST_ROWS / len(labels)
    return np.sort(subsample.subsample(labels, np.ceil(counts * share).astype(np.int64), seed))


def _copies(training_set: TrainingSet, classic: ClassicParams, seed: int) -> Sequence[NDArray[Any]]:
    """Return transformed copies of all rows.

    Of features they are the views of the image that a row is; rows of none come as they are, so
    that they count as much as they do beside real rows alone.
    """
    pixels = training_set.pixels
    if training_set.views is None:
        from gan_augment.evaluation.classic import transformed

        tiled = np.tile(pixels, (extent_of(training_set).copies, 1, 1, 1))
        return [transformed(tiled, classic, seed_of(seed, "classic"))]
    shown = (training_set.shows != NO_IMAGE)[:, None]
    views = training_set.views[classic.policy]
    return [np.where(shown, view[training_set.shows], pixels) for view in views]


def _projection(pixels: Pixels) -> Projection:
    most = min(COMPONENTS, len(pixels))
    if pixels[0].size <= PIXELS_UP_TO or most < 2:
        return Projection()
    from sklearn.decomposition import PCA

    return Projection((PCA(most, svd_solver="randomized", random_state=0).fit(_flat(pixels)),))


def _standardised(values: Pixels, whole: bool) -> Projection:
    """Return a map to standardised features, all of them or their leading components."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    flat = _flat(values)
    scaler = StandardScaler().fit(flat)
    if whole:
        return Projection((scaler,))
    pca = PCA(min(COMPONENTS, *flat.shape), svd_solver="randomized", random_state=0)
    return Projection((scaler, pca.fit(scaler.transform(flat))))


def _flat(samples: Pixels) -> Features:
    if samples.ndim == 2:
        return samples
    return samples.reshape(len(samples), -1) / 255


def _network(name: str) -> Judge:
    def judge(
        training_set: TrainingSet, targets: Sequence[Pixels], params: EvaluateParams, seed: int
    ) -> list[Scores]:
        from gan_augment.evaluation.networks import NETWORKS, judge

        return judge(NETWORKS[name], training_set, targets, params.steps, seed)

    return judge


def _fine_tuned(
    training_set: TrainingSet, targets: Sequence[Pixels], params: EvaluateParams, seed: int
) -> list[Scores]:
    from gan_augment.evaluation.fine_tuning import judge

    return judge(training_set, targets, params.fine_tuning_steps, seed)


class Classifier(NamedTuple):
    """A judge.

    Attributes:
        judge: it.
        in_steps: whether it learns in steps from images, as networks do.
        pretrained: whether it starts from the backbone.
    """

    judge: Judge
    in_steps: bool = False
    pretrained: bool = False


STAND_INS = {
    "k-nn": "the nearest of a fair sample",
    "rbf-svm": "a linear SVM of 500 Nyström features of its kernel, by stochastic gradient descent",
}
"""What judges where an arm has more than `MOST_ROWS` rows in the place of others, in words."""
LOGISTIC_REGRESSION = Estimator(
    logistic_regression, whole=partial(logistic_regression, c=C_OF_FEATURES)
)
MLP = Estimator(mlp, whole=mlp)

CLASSIFIERS: dict[str, Classifier] = {
    "logistic-regression": Classifier(LOGISTIC_REGRESSION),
    "k-nn": Classifier(Estimator(k_nn, many=_of_a_sample)),
    "rbf-svm": Classifier(Estimator(rbf_svm, many=_nystroem_svm)),
    "mlp": Classifier(MLP),
    "gradient-boosting": Classifier(Estimator(gradient_boosting)),
    "cnn": Classifier(_network("cnn"), in_steps=True),
    "resnet": Classifier(_network("resnet"), in_steps=True),
    "fine-tuned": Classifier(_fine_tuned, in_steps=True, pretrained=True),
}


def classifier(name: str, key: str = "evaluate.classifiers") -> Classifier:
    """Return the classifier of a name, or of the user's class at `package.module:Class`.

    A scikit-learn estimator is made without arguments (and with `random_state` where it has that);
    a torch module as `Class(channels, classes)`, from float32 N×C×H×W, −1 to 1, to logits.

    Raises:
        UserError: no such name or class, it is neither, or cannot be made so; names the params key.
            So does the judge where the class fails at its work.
    """
    if ":" not in name:
        return choose(CLASSIFIERS, name, key)
    found = _imported(name, key)
    if _is_module(found):
        if not _takes_two(found):
            raise UserError(f"{key} = {name!r}: must be made as Class(channels, classes)")
        return Classifier(partial(_own, partial(_own_network, found), name), in_steps=True)
    if not all(callable(getattr(found, method, None)) for method in ("fit", "predict")):
        raise UserError(
            f"{key} = {name!r}: neither a scikit-learn classifier (fit, predict, get_params) nor a "
            "torch.nn.Module"
        )
    try:
        made = found()
    except Exception as error:  # whatever a class does that is made
        raise UserError(
            f"{key} = {name!r} cannot be made without arguments ({reason(error)}): name a class of "
            "yours that fills them in"
        ) from None
    if not _classifies(made):
        raise UserError(
            f"{key} = {name!r}: no classifier, by what it says of itself: name one, or derive "
            "yours from ClassifierMixin and BaseEstimator of sklearn.base"
        )
    return Classifier(partial(_own, Estimator(partial(_own_estimator, found)), name))


def sources(names: Iterable[str], key: str = "evaluate.classifiers") -> list[Path]:
    """Return the files that hold the user's own classes among classifiers, and what these inherit.

    Raises:
        UserError: a class cannot be imported; names the params key.
    """
    classes = [base for name in names if ":" in name for base in _imported(name, key).__mro__]
    modules = dict.fromkeys(sys.modules[base.__module__] for base in classes)
    return [Path(file) for module in modules if (file := getattr(module, "__file__", None))]


def _imported(name: str, key: str) -> Any:
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:  # a command's path lacks the folder it is called in
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a module does that is imported
        raise UserError(f"{key} = {name!r} cannot be imported: {error}") from None
    if not inspect.isclass(found):
        raise UserError(f"{key} = {name!r}: must be a class, not {type(found).__name__}")
    return found


def _is_module(found: type) -> bool:
    from torch import nn

    return issubclass(found, nn.Module)


def _takes_two(found: type) -> bool:
    """Return whether a class can be made with two arguments."""
    try:
        inspect.signature(found).bind(1, 2)
    except TypeError:
        return False
    return True


def _classifies(made: Any) -> bool:
    """Return whether an estimator is a classifier; one that is not of scikit-learn's is not."""
    from sklearn.base import is_classifier

    try:
        return bool(is_classifier(made))
    except AttributeError:
        return False


def _own(
    judge: Judge,
    name: str,
    training_set: TrainingSet,
    targets: Sequence[Pixels],
    params: EvaluateParams,
    seed: int,
) -> list[Scores]:
    """Judge by a class of the user's own, which may fail in any way."""
    try:
        return judge(training_set, targets, params, seed)
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError(
            f"evaluate.classifiers: {name} fails ({type(error).__name__}: {reason(error)}): leave "
            "it out, or mend it if it is yours"
        ) from error


def _own_network(
    network: Any,
    training_set: TrainingSet,
    targets: Sequence[Pixels],
    params: EvaluateParams,
    seed: int,
) -> list[Scores]:
    from gan_augment.evaluation.networks import judge

    return judge(network, training_set, targets, params.steps, seed)


def _own_estimator(estimator: Any, seed: int) -> Any:
    made = estimator()
    return made.set_params(random_state=seed) if "random_state" in made.get_params() else made
