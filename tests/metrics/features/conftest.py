from collections.abc import Callable
from pathlib import Path

import pytest

from gan_augment import table
from gan_augment.metrics import features
from gan_augment.metrics.features import Classifier, Extractor, Network, training
from gan_augment.table import Images

MakeImages = Callable[..., Images]


@pytest.fixture(scope="module")
def network(train_images: Images) -> Network[Classifier]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "STEPS", (200, 1000))
        return features.train_network(train_images, seed=0)


@pytest.fixture(scope="module")
def pixel_components(train_images: Images) -> Extractor:
    return features.principal_components(train_images)


@pytest.fixture(scope="module")
def validation(digits: Path) -> Images:
    return table.read(digits, "validation")
