from collections.abc import Callable

import numpy as np
import pytest

from gan_augment.metrics.features import Extractor
from gan_augment.metrics.fidelity import (
    PRDC,
    frechet_distance,
    kernel_distance,
    precision_recall_density_coverage,
)
from gan_augment.table import Images

MakeImages = Callable[..., Images]


def scores(extractor: Extractor, real: Images, pixels: np.ndarray) -> PRDC:
    return precision_recall_density_coverage(
        extractor(real.pixels).values, extractor(pixels).values
    )


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_held_out_real_images_score_well(
    kind: str, request: pytest.FixtureRequest, train_images: Images, validation: Images
) -> None:
    found = scores(request.getfixturevalue(kind), train_images, validation.pixels)
    assert min(found.precision, found.recall, found.coverage) > 0.75


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_a_collapsed_generator_is_seen(
    kind: str, request: pytest.FixtureRequest, train_images: Images, validation: Images
) -> None:
    """One real image a class, over and over, is precise and covers nothing."""
    first = [np.flatnonzero(validation.labels == label)[0] for label in validation.labels]
    found = scores(request.getfixturevalue(kind), train_images, validation.pixels[first])
    assert found.precision > 0.5
    assert found.recall == 0
    assert found.coverage < 0.1


@pytest.mark.parametrize("kind", ["network", "pixel_components"])
def test_noise_is_seen_and_more_of_it_more(
    kind: str, request: pytest.FixtureRequest, validation: Images
) -> None:
    extractor: Extractor = request.getfixturevalue(kind)
    real, unseen = extractor(validation.pixels[::2]).values, validation.pixels[1::2]
    noise = np.random.default_rng(0).normal(0, 1, unseen.shape)
    noisy = [
        extractor((unseen + level * noise).round().clip(0, 255).astype(np.uint8)).values
        for level in (0, 40, 120)
    ]
    for distance in (frechet_distance, kernel_distance):
        clean, some, much = (distance(real, values) for values in noisy)
        assert clean < some < much
    precisions = [precision_recall_density_coverage(real, v).precision for v in noisy]
    assert precisions[0] > precisions[1] > precisions[2]
