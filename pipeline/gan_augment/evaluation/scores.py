"""What is measured of a classifier: its class scores become numbers."""

import numpy as np
from numpy.typing import NDArray

from gan_augment.errors import UserError
from gan_augment.table import Images

BALANCED_ACCURACY = "balanced_accuracy"
RECALL = "recall"
CONFIDENCE_BINS = 15


def scores(images: Images, predicted: NDArray[np.float64]) -> list[tuple[str, str, float]]:
    """Return metric, class ("" for all) and value, 0–1, of each metric.

    Classes without an image count for nothing.

    - accuracy, and balanced_accuracy: the mean of the classes' recalls;
    - macro_f1, and g_mean: the geometric mean of recalls (Kubat & Matwin 1997), 0 if one is;
    - auroc: of each class against the rest, their mean; left out where there is one class only;
    - ece: expected calibration error in 15 bins of confidence (Guo et al. 2017), 0 is best;
    - recall, of each class.

    Args:
        images: with their true labels.
        predicted: class scores N×C; rows add up to 1.
    """
    from scipy.stats import gmean
    from sklearn.metrics import f1_score, recall_score

    truth, said = images.labels, predicted.argmax(axis=1)
    present = np.unique(truth)
    recalls = recall_score(truth, said, labels=present, average=None)
    f1 = f1_score(truth, said, labels=present, average="macro")
    return [
        ("accuracy", "", float((said == truth).mean())),
        (BALANCED_ACCURACY, "", float(recalls.mean())),
        ("macro_f1", "", float(f1)),
        ("g_mean", "", float(gmean(recalls))),
        *((("auroc", "", _area(truth, predicted, present)),) if len(present) > 1 else ()),
        ("ece", "", _calibration_error(predicted.max(axis=1), said == truth)),
        *(
            (RECALL, images.classes[label], float(recall))
            for label, recall in zip(present, recalls, strict=True)
        ),
    ]


def check_shape(name: str, found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    """Refuse class scores of another shape, as a classifier of the user's own may give.

    Args:
        name: of the classifier.
        found: the shape of its scores.
        wanted: the number of samples, and of classes.

    Raises:
        UserError: they differ; names the classifier.
    """
    if found != wanted:
        raise UserError(
            f"evaluate.classifiers: {name} gives scores of shape {found} for {wanted[0]} samples "
            f"and {wanted[1]} classes: it must give one of each sample for each class"
        )


def _area(
    truth: NDArray[np.int64], predicted: NDArray[np.float64], present: NDArray[np.int64]
) -> float:
    """Return the mean area of classes against the rest, from ranks (Hanley & McNeil 1982).

    For all classes at once, and much quicker than a curve a class.
    """
    from scipy.stats import rankdata

    ranks = rankdata(predicted[:, present], axis=0)  # ties share theirs
    of_class = truth[:, None] == present
    count = of_class.sum(axis=0)
    above = (ranks * of_class).sum(axis=0) - count * (count + 1) / 2
    return float((above / (count * (len(truth) - count))).mean())


def _calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return Σ over bins of |right − confidence| / N (Guo et al. 2017, eq. 3)."""
    bins = np.minimum((confidence * CONFIDENCE_BINS).astype(int), CONFIDENCE_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence)
    return float(np.abs(gaps).sum() / len(right))
