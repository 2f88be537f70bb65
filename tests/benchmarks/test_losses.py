import pytest

from benchmarks.losses import _options
from gan_augment.gan.networks import NETWORKS


def test_networks_are_those_that_make_images() -> None:
    assert _options([]).networks == ["mlp", "dcgan", "resnet"]
    assert all(NETWORKS[name].images for name in _options([]).networks)
    with pytest.raises(SystemExit):
        _options(["--networks", "gaussian"])
