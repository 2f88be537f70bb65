import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.metrics.memorisation.worlds import (
    World,
    digits_world,
)


@pytest.fixture(scope="module")
def digits_images() -> World:
    return digits_world(0)


@pytest.fixture(scope="module")
def fashion_images(datasets: Path) -> World:
    folder = datasets / "fashion-mnist"
    pixels, labels = (
        np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=offset)
        for name, offset in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    return World(pixels.reshape(-1, 1, 28, 28), labels.astype(np.int64), [1000, 400, 400])


@pytest.fixture(params=["digits_images", "fashion_images"])
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)
