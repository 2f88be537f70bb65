from collections.abc import Callable

import numpy as np
import pytest

from gan_augment.metrics import features
from gan_augment.metrics.features import Extractor
from gan_augment.table import Images

MakeImages = Callable[..., Images]


def test_principal_components_by_hand(random_images: MakeImages) -> None:
    """Images that differ in one pixel lie on a line; the mean variance of components is 1."""
    images = random_images(5, 1)
    pixels = np.repeat(images.pixels[:1], 5, axis=0)
    pixels[:, 0, 2, 3] = [0, 51, 102, 153, 204]
    extractor = features.principal_components(
        Images(pixels, images.labels, images.classes, images.rows)
    )
    found = extractor(pixels)
    assert found.probabilities is None
    assert found.values.dtype == np.float64
    places = np.sqrt(2) * np.arange(-2, 3)  # of variance 5, as there are five components
    sign = np.sign(found.values[4, 0])
    assert sign * found.values[:, 0] == pytest.approx(places, abs=1e-4)
    assert found.values[:, 1:] == pytest.approx(0, abs=1e-4)


def test_principal_components_keep_what_varies(
    pixel_components: Extractor, train_images: Images
) -> None:
    """Uncorrelated, and with the variances that a direct decomposition finds."""
    covariance = np.cov(pixel_components(train_images.pixels).values.T)
    flat = train_images.pixels.reshape(len(train_images), -1) / 255
    expected = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    np.testing.assert_allclose(covariance, np.diag(expected / expected.mean()), atol=1e-4)


def test_names_tell_the_images_of_principal_components(
    random_images: MakeImages, pixel_components: Extractor
) -> None:
    one, two = (features.principal_components(random_images(n)).name for n in (12, 13))
    assert len({one, two, pixel_components.name}) == 3
    assert one == features.principal_components(random_images(12)).name
    assert one.startswith("pixels-")
