import pytest

from gan_augment.errors import UserError
from gan_augment.evaluation.fitting import fitting
from gan_augment.params import EvaluateParams


def test_arms_that_no_classifier_can_be_trained_on_are_no_comparison() -> None:
    """Else the verdict would be that nothing was made."""
    arms = ("real", "classic", "gan-soft")
    params = EvaluateParams(arms=arms, classifiers=("logistic-regression", "k-nn"))
    with pytest.raises(UserError, match="no arm with the GAN is left: add gan, or to the classif"):
        fitting(params, None, None)
    able = params.model_copy(update={"classifiers": ("k-nn", "cnn")})
    assert fitting(able, None, None) == able
