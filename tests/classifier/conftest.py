"""Classifiers trained on small augmented sets, of pixels and of features."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gan_augment.classifier import stage
from gan_augment.params import ClassifierParams, Space
from tests.assembled import assembled
from tests.recipes import recipe

COMPARED = {
    "logistic_regression": {"share": 0.5, "validation": 0.8, "score": 0.79},
    "mlp": {"share": 1.0, "validation": 0.85, "score": 0.84},
    "rbf_svm": {"share": 1.0, "validation": 0.9, "score": 0.89},
}
Assembled = Callable[..., Path]


def train(augmented: Path, folder: Path, **params: Any) -> Path:
    """Run the stage; return the folder of the classifier."""
    settings = ClassifierParams.model_validate(params)
    stage.run(settings, {"augmented": augmented}, {"classifier": folder})
    return folder


@pytest.fixture(scope="session")
def assemble(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Assembled:
    """Return a maker of data/augmented with a recipe of SMOTE; keywords are its settings."""

    def make(features: Path | None = None, space: Space = "auto", **classifiers: Any) -> Path:
        recipes = {
            "real": recipe(validation=0.5, beats_real=False),
            "smote": recipe(["smote"], **(classifiers or COMPARED)),
        }
        verdict = {"overall": {"verdict": "level", "sentence": "level."}, "recipes": recipes}
        return assembled(tmp_path_factory.mktemp("set"), digits, verdict, features, space)

    return make


@pytest.fixture(scope="session")
def augmented(assemble: Assembled) -> Path:
    """Return data/augmented of pixels."""
    return assemble()


@pytest.fixture(scope="session")
def embedded(assemble: Assembled, features: Path) -> Path:
    """Return data/augmented of features."""
    return assemble(features)


@pytest.fixture(scope="session")
def of_pixels(augmented: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of pixels."""
    return train(augmented, tmp_path_factory.mktemp("of_pixels") / "classifier")


@pytest.fixture(scope="session")
def of_features(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a classifier of features."""
    return train(embedded, tmp_path_factory.mktemp("of_features") / "classifier")
