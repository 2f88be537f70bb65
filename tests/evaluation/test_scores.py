import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from gan_augment.evaluation.scores import scores
from gan_augment.table import Images


def images(labels: list[int], classes: int) -> Images:
    import pandas as pd

    pixels = np.zeros((len(labels), 1, 8, 8), np.uint8)
    names = tuple(f"c{number}" for number in range(classes))
    return Images(pixels, np.array(labels), names, pd.DataFrame(index=range(len(labels))))


def by_metric(labels: list[int], predicted: np.ndarray) -> dict[str, float]:
    rows = scores(images(labels, predicted.shape[1]), predicted)
    return {f"{metric} {name}".strip(): value for metric, name, value in rows}


def test_all_right_and_sure() -> None:
    found = by_metric([0, 1, 2, 2], np.eye(3)[[0, 1, 2, 2]])
    assert found.pop("ece") == 0
    assert set(found.values()) == {1.0}


def test_a_confusion_by_hand() -> None:
    """Class 0: one of two right; class 1: both; class 2 has no image and counts for nothing."""
    predicted = np.array([[0.8, 0.2, 0], [0.4, 0.6, 0], [0.1, 0.9, 0], [0.3, 0.7, 0]])
    found = by_metric([0, 0, 1, 1], predicted)
    assert found["accuracy"] == found["balanced_accuracy"] == 0.75
    assert found["recall c0"] == 0.5
    assert "recall c2" not in found
    assert found["g_mean"] == pytest.approx(0.5**0.5)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["auroc"] == 1.0  # every image of a class ranks above those of the other
    # Bins of confidence: 0.6 (wrong), 0.7 (right), 0.8 (right), 0.9 (right).
    assert found["ece"] == pytest.approx((0.6 + 0.3 + 0.2 + 0.1) / 4)


def test_a_class_that_is_never_found_makes_the_geometric_mean_zero() -> None:
    found = by_metric([0, 1], np.array([[0.9, 0.1], [0.6, 0.4]]))
    assert found["g_mean"] == 0
    assert found["balanced_accuracy"] == 0.5


def test_overconfidence_is_the_calibration_error() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 4000)
    right = draw.random(4000) < 0.7
    sure = np.where(right, labels, 1 - labels)
    predicted = np.where(np.eye(2)[sure] == 1, 0.95, 0.05)
    found = by_metric(labels.tolist(), predicted)
    assert found["ece"] == pytest.approx(0.25, abs=0.02)
    assert found["balanced_accuracy"] == balanced_accuracy_score(labels, sure)


def test_the_area_is_that_of_each_class_against_the_rest_and_ties_count_half() -> None:
    """Scores of one decimal, of which many are equal; class 3 has no image."""
    draw = np.random.default_rng(0)
    labels = draw.choice([0, 1, 2, 4], 200, p=[0.5, 0.3, 0.15, 0.05])
    predicted = draw.integers(0, 11, (200, 5)) / 10
    areas = [roc_auc_score(labels == label, predicted[:, label]) for label in (0, 1, 2, 4)]
    found = by_metric(labels.tolist(), predicted)["auroc"]
    assert found == pytest.approx(np.mean(areas), abs=1e-12)
    assert 0.3 < found < 0.7


def test_of_one_class_no_area_is_measured() -> None:
    found = by_metric([1, 1], np.array([[0.9, 0.1], [0.2, 0.8]]))
    assert "auroc" not in found
    assert found["balanced_accuracy"] == found["recall c1"] == 0.5


def test_confidence_falls_into_fifteen_bins() -> None:
    """0.66 ends the tenth and 0.67 begins the eleventh: the gaps of a miss and a hit add up."""
    found = by_metric([1, 0], np.array([[0.66, 0.34], [0.67, 0.33]]))
    assert found["ece"] == pytest.approx((0.66 + 0.33) / 2)


def test_certainty_falls_into_the_last_bin() -> None:
    """1.0, a miss, and 0.95, a hit, are of the fifteenth bin; 0.9, a hit, of the one before."""
    found = by_metric([1, 0, 0], np.array([[1.0, 0.0], [0.95, 0.05], [0.9, 0.1]]))
    assert found["ece"] == pytest.approx(((1.0 - 0.05) + 0.1) / 3)
