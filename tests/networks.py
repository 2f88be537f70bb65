"""Feature networks, each trained once: for tests of what is built on them."""

from collections.abc import Iterator

import pytest
import torch

from gan_augment.metrics.features import Classifier, Network, training
from gan_augment.storage import digest
from gan_augment.table import Images

TRAINED: dict[tuple[object, ...], Network[Classifier]] = {}
train_network = training.train_network


@pytest.fixture(scope="module", autouse=True)
def _trained_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train_network", trained)
        yield


def trained(images: Images, seed: int, device: torch.device | str = "cpu") -> Network[Classifier]:
    """Return the network of `train_network`, from an earlier test if there is one."""
    content = digest(images.pixels.tobytes(), images.labels.tobytes())
    sort = images.pixels.shape, images.classes, training.STEPS
    key = content, *sort, seed, str(device), torch.get_num_threads()
    if key not in TRAINED:
        TRAINED[key] = train_network(images, seed, device)
    return TRAINED[key]
