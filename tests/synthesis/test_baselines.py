from collections.abc import Callable

import numpy as np
import pytest

from gan_augment.synthesis import baselines
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import Images

EXTRA = np.array([0, 30, 2, 0, 5, 0, 0, 40, 0, 1])


@pytest.mark.parametrize("name", BASELINES)
def test_as_many_extra_images_as_asked_for(name: str, train_images: Images) -> None:
    extra = BASELINES[name](train_images, EXTRA, 0)
    assert extra.counts().tolist() == EXTRA.tolist()
    assert extra.pixels.shape == (EXTRA.sum(), 1, 8, 8)
    assert extra.pixels.dtype == np.uint8


@pytest.mark.parametrize("name", BASELINES)
def test_the_seed_decides(name: str, train_images: Images) -> None:
    first, again, other = (BASELINES[name](train_images, EXTRA, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("name", BASELINES)
def test_nothing_asked_for_nothing_made(name: str, train_images: Images) -> None:
    assert len(BASELINES[name](train_images, np.zeros(10, np.int64), 0)) == 0


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_classes(name: str, n: int, random_images: Callable[..., Images]) -> None:
    assert len(BASELINES[name](random_images(3 * n, 3), np.array([4, 0, 2]), 0)) == 6


def test_oversampling_repeats_images_of_the_class(train_images: Images) -> None:
    extra = BASELINES["oversample"](train_images, EXTRA, 0)
    for label in (1, 7):
        known = {image.tobytes() for image in train_images.pixels[train_images.labels == label]}
        assert {image.tobytes() for image in extra.pixels[extra.labels == label]} <= known


def test_smote_stays_between_images_of_the_class(train_images: Images) -> None:
    extra = BASELINES["smote"](train_images, EXTRA, 0)
    real = train_images.pixels[train_images.labels == 7].astype(int)
    made = extra.pixels[extra.labels == 7].astype(int)
    assert (made >= real.min(axis=0) - 1).all()
    assert (made <= real.max(axis=0) + 1).all()
    assert len({image.tobytes() for image in extra.pixels[extra.labels == 7]}) == 40


def test_the_mixture_resembles_its_class(train_images: Images) -> None:
    extra = BASELINES["gmm"](train_images, EXTRA, 0)
    means = np.stack(
        [train_images.pixels[train_images.labels == c].mean(axis=0) for c in range(10)]
    )
    made = extra.pixels[extra.labels == 7].mean(axis=0)
    assert np.square(means - made).sum(axis=(1, 2, 3)).argmin() == 7


def test_the_placebo_knows_no_class(train_images: Images) -> None:
    """Its pixels follow the grey levels of all images, at every place alike."""
    extra = BASELINES["placebo"](train_images, np.full(10, 300), 0)
    assert abs(extra.pixels.mean() - train_images.pixels.mean()) < 1
    places = extra.pixels.reshape(len(extra), -1).mean(axis=0)
    real_places = train_images.pixels.reshape(len(train_images), -1).mean(axis=0)
    assert places.std() < 0.05 * real_places.std()
    classes = [extra.pixels[extra.labels == label].mean() for label in range(10)]
    assert np.ptp(classes) < 4


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "oversample"])
def test_images_of_a_class_do_not_depend_on_the_others(name: str, train_images: Images) -> None:
    together = list(baselines.rows(name, train_images, EXTRA, 0))
    for label, rows in zip(np.flatnonzero(EXTRA).tolist(), together, strict=True):
        extra = baselines.of_class(train_images, label, int(EXTRA[label]))
        (alone,) = baselines.rows(name, train_images, extra, 0)
        assert rows.equals(alone)
        assert rows["index"].to_pylist() == list(range(EXTRA[label]))


def test_the_placebo_of_one_class_is_not_that_of_another(train_images: Images) -> None:
    first, second = (
        baselines.draw("placebo", train_images, baselines.of_class(train_images, label, 9), 0)
        for label in (3, 4)
    )
    assert (first.pixels != second.pixels).mean() > 0.5


@pytest.mark.parametrize("name", ["smote", "gmm", "gaussian"])
def test_of_very_many_images_a_fair_sample_is_fitted_to(
    name: str, train_images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "MOST_ROWS", 300)
    made = BASELINES[name](train_images, EXTRA, 0)
    assert made.counts().tolist() == EXTRA.tolist()
    sample = train_images.at_most(300, 0)
    monkeypatch.undo()
    np.testing.assert_array_equal(made.pixels, BASELINES[name](sample, EXTRA, 0).pixels)
