import numpy as np
import pandas as pd
import pytest

from gan_augment.metrics.cas import classification_accuracy_score, standard_error
from gan_augment.table import Images


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
