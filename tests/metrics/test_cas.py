import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gan_augment.metrics.cas import classification_accuracy_score, standard_error
from gan_augment.table import FeatureSpace, Images


def relabelled(images: Images, labels: np.ndarray) -> Images:
    return Images(images.pixels, labels, images.classes, images.rows)


def test_real_images_teach_of_themselves(train_images: Images) -> None:
    assert classification_accuracy_score(train_images, train_images) > 0.99


def test_wrong_labels_teach_what_is_wrong(train_images: Images) -> None:
    wrong = relabelled(train_images, (train_images.labels + 1) % 10)
    assert classification_accuracy_score(wrong, train_images) < 0.01


def test_classes_count_alike(train_images: Images) -> None:
    """One of ten classes wrong is a tenth, though one image in six is of that class."""
    labels = train_images.labels
    assert (labels == 0).mean() > 0.15
    wrong = relabelled(train_images, np.where(labels == 0, 1, labels))
    assert classification_accuracy_score(wrong, train_images) == pytest.approx(0.9, abs=0.01)


def test_its_standard_error_is_that_of_chance(train_images: Images) -> None:
    """Recalls of 0.8 in every class, drawn many times: their mean scatters as the formula says."""
    counts = train_images.counts()
    recalls = np.random.default_rng(0).binomial(counts, 0.8, (20_000, len(counts))) / counts
    scatter = recalls.mean(axis=1).std()
    assert standard_error(0.8, train_images) == pytest.approx(scatter, rel=0.03)


def test_its_standard_error_counts_classes_that_have_images() -> None:
    """√(¼ (1/1 + 1/4)) / 2: of three classes the second has none."""
    pixels, rows = np.zeros((5, 1, 1, 1), np.uint8), pd.DataFrame(index=range(5))
    real = Images(pixels, np.array([0, 2, 2, 2, 2]), ("a", "b", "c"), rows)
    assert standard_error(0.5, real) == pytest.approx((0.25 * 1.25) ** 0.5 / 2)


def test_of_noisy_features_it_is_what_an_svm_of_penalty_ten_gets_right() -> None:
    """Standardised by the synthetic ones: a feature in other units counts as much."""
    draw, space = np.random.default_rng(0), FeatureSpace("test", "0" * 16, 8, (8, 8))
    parts = []
    for size in (300, 2000):
        labels = draw.integers(0, 2, size)
        values = draw.standard_normal((size, 8)) + labels[:, None] * 0.5
        values[:, 0] *= 1000
        rows = pd.DataFrame(index=range(size))
        parts.append(Images(values.astype(np.float32), labels, ("a", "b"), rows, space))
    synthetic, real = parts
    scale = StandardScaler().fit(synthetic.flat())
    svm = SVC(C=10).fit(scale.transform(synthetic.flat()), synthetic.labels)
    right = svm.predict(scale.transform(real.flat())) == real.labels
    expected = (right[real.labels == 0].mean() + right[real.labels == 1].mean()) / 2
    assert classification_accuracy_score(synthetic, real) == pytest.approx(expected, abs=1e-12)
