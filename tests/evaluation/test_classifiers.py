import numpy as np
import pytest

from pipeline.evaluation.arms import TrainingSet
from pipeline.evaluation.classifiers import CLASSIFIERS, class_scores, rbf_svm
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
    scores, shorter = judge(made, [train_images.pixels, train_images.pixels[:7]], PARAMS, 0)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.8
    assert shorter.shape == (7, 10)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores.sum(1), 1)
    np.testing.assert_array_equal(scores, judge(made, [train_images.pixels], PARAMS, 0)[0])


@pytest.mark.parametrize("name", ["logistic-regression", "rbf-svm", "cnn"])
def test_weights_of_rows_count(name: str, train_images: Images) -> None:
    """With all weight on one class the classifier says hardly anything else."""
    made = training_set(train_images)
    made.weights[:] = np.where(train_images.labels == 2, 1.0, 1e-6)
    (scores,) = CLASSIFIERS[name](made, [train_images.pixels], PARAMS, 0)
    assert (scores.argmax(1) == 2).mean() > 0.9


@pytest.mark.parametrize("name", ["logistic-regression", "k-nn", "rbf-svm"])
def test_larger_images_are_seen_through_their_principal_components(
    name: str, train_images: Images
) -> None:
    """Digits magnified to 32×32 are known as well as the small ones are."""
    large = train_images.pixels.repeat(4, axis=2).repeat(4, axis=3)
    made = training_set(Images(large, train_images.labels, train_images.classes, train_images.rows))
    (scores,) = CLASSIFIERS[name](made, [large], PARAMS, 0)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.95
    np.testing.assert_array_equal(scores, CLASSIFIERS[name](made, [large], PARAMS, 0)[0])


@pytest.mark.parametrize("classes", [(3, 8), tuple(range(10))], ids=["two", "ten"])
def test_the_highest_score_of_a_machine_without_probabilities_is_its_prediction(
    classes: tuple[int, ...], train_images: Images
) -> None:
    here = np.isin(train_images.labels, classes)
    flat = train_images.pixels.reshape(len(train_images), -1) / 255
    fitted = rbf_svm(0).fit(flat[here][::3], train_images.labels[here][::3])
    scores = class_scores(fitted, flat, 10)
    np.testing.assert_array_equal(scores.argmax(1), fitted.predict(flat))
    np.testing.assert_allclose(scores.sum(1), 1)
    assert not scores[:, [c for c in range(10) if c not in classes]].any()
