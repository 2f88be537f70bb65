import numpy as np
import pytest

from pipeline.evaluation.arms import TrainingSet
from pipeline.evaluation.classifiers import CLASSIFIERS
from pipeline.params import ClassicParams, EvaluateParams
from pipeline.table import Images

PARAMS = EvaluateParams(cnn_steps=60)


def training_set(images: Images, classic: ClassicParams | None = None) -> TrainingSet:
    return TrainingSet(images.pixels, images.labels, len(images), 10, np.ones(len(images)), classic)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("classic", [None, ClassicParams()], ids=["plain", "classic"])
def test_it_learns_and_the_seed_decides(
    name: str, classic: ClassicParams | None, train_images: Images
) -> None:
    judge = CLASSIFIERS[name]
    made = training_set(train_images, classic)
    predicted, shorter = judge(made, [train_images.pixels, train_images.pixels[:7]], PARAMS, 0)
    assert (predicted == train_images.labels).mean() > 0.8
    assert len(shorter) == 7
    np.testing.assert_array_equal(predicted, judge(made, [train_images.pixels], PARAMS, 0)[0])


@pytest.mark.parametrize("name", ["logistic-regression", "rbf-svm", "cnn"])
def test_weights_of_rows_count(name: str, train_images: Images) -> None:
    """With all weight on one class the classifier says hardly anything else."""
    made = training_set(train_images)
    made.weights[:] = np.where(train_images.labels == 2, 1.0, 1e-6)
    (predicted,) = CLASSIFIERS[name](made, [train_images.pixels], PARAMS, 0)
    assert (predicted == 2).mean() > 0.9


@pytest.mark.parametrize("name", ["logistic-regression", "k-nn", "rbf-svm"])
def test_larger_images_are_seen_through_their_principal_components(
    name: str, train_images: Images
) -> None:
    """Digits magnified to 32×32 are known as well as the small ones are."""
    large = train_images.pixels.repeat(4, axis=2).repeat(4, axis=3)
    made = training_set(Images(large, train_images.labels, train_images.classes, train_images.rows))
    (predicted,) = CLASSIFIERS[name](made, [large], PARAMS, 0)
    assert (predicted == train_images.labels).mean() > 0.95
    np.testing.assert_array_equal(predicted, CLASSIFIERS[name](made, [large], PARAMS, 0)[0])
