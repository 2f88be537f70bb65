from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_augment import subsample
from gan_augment.errors import UserError
from gan_augment.evaluation.cells import Setting
from gan_augment.evaluation.classifiers import (
    CLASSIFIERS,
    STAND_INS,
    class_scores,
    classifier,
    rbf_svm,
)
from gan_augment.evaluation.training_set import Extent, TrainingSet, of_images
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.table import Images

PARAMS = EvaluateParams(steps=60)
ALONE = [name for name, found in CLASSIFIERS.items() if not found.pretrained]
"""Those that need no backbone."""


def training_set(images: Images, classic: ClassicParams | None = None) -> TrainingSet:
    return replace(of_images(images), classic=classic)


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("classic", [None, ClassicParams()], ids=["plain", "classic"])
def test_it_learns_and_the_seed_decides(
    name: str, classic: ClassicParams | None, train_images: Images
) -> None:
    judge = CLASSIFIERS[name].judge
    made = training_set(train_images, classic)
    scores, shorter = judge(made, [train_images.pixels, train_images.pixels[:7]], PARAMS, 0)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.8
    assert shorter.shape == (7, 10)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores.sum(1), 1)
    np.testing.assert_array_equal(scores, judge(made, [train_images.pixels], PARAMS, 0)[0])


@pytest.mark.parametrize("name", ALONE)
def test_two_images_are_enough(name: str, train_images: Images) -> None:
    rows = np.unique(train_images.labels, return_index=True)[1][:2]
    two = train_images.select(rows)
    (scores,) = CLASSIFIERS[name].judge(training_set(two), [train_images.pixels], PARAMS, 0)
    assert scores.shape == (len(train_images), 10)
    np.testing.assert_allclose(scores.sum(1), 1)


@pytest.mark.parametrize("name", ["logistic-regression", "rbf-svm", "gradient-boosting", "cnn"])
def test_weights_of_rows_count(name: str, train_images: Images) -> None:
    """With all weight on one class the classifier says hardly anything else."""
    made = training_set(train_images)
    made.weights[:] = np.where(train_images.labels == 2, 1.0, 1e-6)
    (scores,) = CLASSIFIERS[name].judge(made, [train_images.pixels], PARAMS, 0)
    assert (scores.argmax(1) == 2).mean() > 0.9


@pytest.mark.parametrize("name", ["logistic-regression", "k-nn", "rbf-svm"])
def test_larger_images_are_seen_through_their_principal_components(
    name: str, train_images: Images
) -> None:
    """Digits magnified to 32×32 are known as well as the small ones are."""
    large = train_images.pixels.repeat(4, axis=2).repeat(4, axis=3)
    made = training_set(Images(large, train_images.labels, train_images.classes, train_images.rows))
    (scores,) = CLASSIFIERS[name].judge(made, [large], PARAMS, 0)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.95
    np.testing.assert_array_equal(scores, CLASSIFIERS[name].judge(made, [large], PARAMS, 0)[0])


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


OWN = """
from sklearn.tree import DecisionTreeClassifier as Tree
from torch import nn

class Flat(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))
    def forward(self, x):
        return self.net(x)

class Column(Flat):
    def forward(self, x):
        return self.net(x)[:, 0]

class Wider(Flat):
    def forward(self, x):
        return self.net(x) if self.training else self.net(x).repeat(1, 2)

class Alone(Tree):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, 0]

class Undecided(Tree):
    def predict_proba(self, X):
        return super().predict_proba(X) * float("nan")

class Diverging(Flat):
    def forward(self, x):
        return self.net(x) if self.training else self.net(x) * float("nan")

class Picky(Tree):
    def __init__(self, depth):
        super().__init__()

class Moody(Tree):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("X is not to my taste")

class Square(nn.Linear):
    def __init__(self, channels, classes):
        super().__init__(channels, classes)

class Pair(Flat):
    def forward(self, x):
        return self.net(x), x

class Untold:
    def fit(self, X, y):
        return self
    def predict(self, X):
        return X
    def get_params(self, deep=True):
        return {}

number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_classifiers.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(("name", "in_steps"), [("Tree", False), ("Flat", True)])
def test_classes_of_the_user_judge_too(name: str, in_steps: bool, train_images: Images) -> None:
    found = classifier(f"my_classifiers:{name}")
    assert found.in_steps == in_steps
    args = training_set(train_images), [train_images.pixels], EvaluateParams(steps=150), 0
    (scores,) = found.judge(*args)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.8
    np.testing.assert_array_equal(scores, found.judge(*args)[0])


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rbf-swm", "did you mean 'rbf-svm'"),
        ("missing_module:Class", "cannot be imported: No module named 'missing_module'"),
        ("my_classifiers:Forest", "cannot be imported: .* no attribute 'Forest'"),
        ("my_classifiers:number", "must be a class, not int"),
        ("pathlib:Path", "neither a scikit-learn classifier .* nor a torch.nn.Module"),
        ("sklearn.linear_model:LinearRegression", "no classifier, by what it says of itself"),
        ("sklearn.cluster:KMeans", "no classifier, by what it says of itself: name one"),
        ("my_classifiers:Untold", "no classifier, .* derive yours from ClassifierMixin and Base"),
        ("sklearn.ensemble:VotingClassifier", "cannot be made without arguments .* 'estimators'"),
        ("my_classifiers:Picky", "cannot be made without arguments .*: name a class of yours"),
        ("torch.nn:Bilinear", r"must be made as Class\(channels, classes\)"),
        ("torch.nn:ReLU", r"must be made as Class\(channels, classes\)"),
    ],
)
def test_what_cannot_judge_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"evaluate.classifiers = '{name}'.*{message}"):
        classifier(name)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Column", "Column gives scores of shape (2,) for 2 samples and 10 classes: "),
        ("Alone", "Alone gives scores of shape (501,) for 501 samples and 10 classes: "),
        ("Wider", "my_classifiers:Wider gives scores of shape (501, 20) for 501 samples and 10 "),
        ("Moody", "my_classifiers:Moody fails (ValueError: X is not to my taste): leave it out"),
        ("Square", "my_classifiers:Square fails (RuntimeError: "),
        ("Pair", "my_classifiers:Pair fails (AttributeError: 'tuple' object has no attribute 'sh"),
        ("Undecided", "my_classifiers:Undecided gives scores that are not finite: "),
        ("Diverging", "my_classifiers:Diverging gives scores that are not finite: "),
    ],
)
def test_scores_that_cannot_be_judged_are_refused(
    name: str, message: str, train_images: Images
) -> None:
    judged = {"validation": train_images.at_most(500, 0)}
    setting = Setting(lambda _: None, judged, EvaluateParams(steps=3), {})
    with pytest.raises(UserError) as told:
        setting.judge(f"my_classifiers:{name}", training_set(train_images), judged, 0)
    assert str(told.value).startswith(f"evaluate.classifiers: {message}")


@pytest.mark.parametrize("name", STAND_INS)
def test_above_very_many_rows_another_judges_nearly_as_well(
    name: str, train_images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = training_set(train_images)
    judge = CLASSIFIERS[name].judge
    (exact,) = judge(made, [train_images.pixels], PARAMS, 0)
    monkeypatch.setattr(subsample, "MOST_ROWS", 400)
    (scores,) = judge(made, [train_images.pixels], PARAMS, 0)
    assert not np.array_equal(scores, exact)
    assert (scores.argmax(1) == train_images.labels).mean() > 0.95
    np.testing.assert_array_equal(scores, judge(made, [train_images.pixels], PARAMS, 0)[0])


@pytest.mark.parametrize("name", STAND_INS)
def test_a_small_arm_of_a_large_comparison_is_judged_as_the_large_ones_are(
    name: str, train_images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = training_set(train_images)
    judge = CLASSIFIERS[name].judge
    (alone,) = judge(small, [train_images.pixels], PARAMS, 0)
    monkeypatch.setattr(subsample, "MOST_ROWS", 5 * len(train_images))
    np.testing.assert_array_equal(judge(small, [train_images.pixels], PARAMS, 0)[0], alone)
    beside = replace(small, extent=Extent(1, 6 * len(train_images)))
    (scores,) = judge(beside, [train_images.pixels], PARAMS, 0)
    assert np.array_equal(scores, alone) == (name == "k-nn")  # its fair sample is the whole


def test_components_of_very_many_rows_are_those_of_a_sample(
    monkeypatch: pytest.MonkeyPatch, random_images: Callable[..., Images]
) -> None:
    large = random_images(300, 3, (1, 20, 20))
    judge = CLASSIFIERS["logistic-regression"].judge
    monkeypatch.setattr(subsample, "MOST_ROWS", 200)
    (scores,) = judge(training_set(large), [large.pixels], PARAMS, 0)
    assert scores.shape == (300, 3)
    np.testing.assert_array_equal(scores, judge(training_set(large), [large.pixels], PARAMS, 0)[0])
