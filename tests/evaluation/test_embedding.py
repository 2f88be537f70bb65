"""Images of arms as estimators see them through a backbone."""

from dataclasses import replace

import numpy as np
import pytest

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.evaluation.classic import transformed
from gan_augment.evaluation.classifiers import _seen
from gan_augment.evaluation.embedding import Embedder
from gan_augment.evaluation.training_set import of_images
from gan_augment.params import ClassicParams
from gan_augment.seeding import seed_of
from gan_augment.table import Images
from tests.conftest import QUICK_BACKBONE

REAL, MADE, COPIES = 5, 3, 2
CLASSIC = ClassicParams(policy="gentle-affine")


def images(count: int, seed: int, origin: str) -> Images:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3, 12, 12), np.uint8)
    labels = np.arange(count) % 2
    return table.decode(table.encode(pixels, labels, ["a", "b"], split="train", origin=origin))


REAL_IMAGES, SYNTHETIC = images(REAL, 0, "real"), images(MADE, 1, "synthetic")
TRAINING_SET = of_images(REAL_IMAGES, synthetic=SYNTHETIC)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    """Return one that knows the real images, with features and views that are marked."""
    space = backbones.load(QUICK_BACKBONE, QUICK_BACKBONE.backbone).space
    marks = np.arange(REAL, dtype=np.float32)[:, None] * np.ones(space.width, np.float32)
    views = {CLASSIC.policy: np.stack([100 + marks, 200 + marks])}
    ids = REAL_IMAGES.rows["id"].to_numpy(np.str_)
    return Embedder(space, None, ids, marks, views, COPIES, seed=3)


def looked_at(embedder: Embedder, pixels: np.ndarray) -> np.ndarray:
    return backbones.embed([table.picture(image) for image in pixels], embedder.space)


def test_what_it_knows_it_does_not_look_at_and_the_rest_once(embedder: Embedder) -> None:
    embedder = embedder.knowing("train", replace(REAL_IMAGES, pixels=embedder.features))
    found = embedder.training_set(TRAINING_SET)
    np.testing.assert_array_equal(found.pixels[:REAL], embedder.features[:REAL])
    expected = looked_at(embedder, SYNTHETIC.pixels)
    np.testing.assert_allclose(found.pixels[REAL:], expected, rtol=1e-4, atol=1e-5)
    assert set(embedder._held) == set(SYNTHETIC.rows["id"])
    embedder._held[SYNTHETIC.rows["id"].iloc[0]][:] = 7
    assert (embedder(SYNTHETIC.pixels[:1]) == 7).all()
    assert embedder(SYNTHETIC.pixels[:0]).shape == (0, 1280)


def test_the_same_training_set_is_embedded_once(embedder: Embedder) -> None:
    assert embedder.training_set(TRAINING_SET) is embedder.training_set(TRAINING_SET)


def test_copies_of_real_images_are_views_and_those_of_others_depend_on_their_pixels_alone(
    embedder: Embedder,
) -> None:
    found = embedder.views_of(TRAINING_SET, CLASSIC)
    assert found.shape == (COPIES, REAL + MADE, 1280)
    np.testing.assert_array_equal(found[:, :REAL], embedder.views[CLASSIC.policy])
    for number in range(COPIES):
        for row in range(MADE):
            image = SYNTHETIC.pixels[row : row + 1]
            name = f"{table.pixel_hash(image[0])} {CLASSIC.policy} {number}"
            copy = transformed(image, CLASSIC, seed_of(embedder.seed, "copy", name))
            expected = looked_at(embedder, copy)[0]
            np.testing.assert_allclose(found[number, REAL + row], expected, rtol=1e-4, atol=1e-5)
    fresh = replace(embedder, _held={})
    other = replace(SYNTHETIC, pixels=SYNTHETIC.pixels[::-1], labels=SYNTHETIC.labels[::-1])
    turned = fresh.views_of(of_images(REAL_IMAGES, synthetic=other), CLASSIC)
    np.testing.assert_array_equal(turned[:, REAL:], found[:, REAL:][:, ::-1])


def test_estimators_see_every_row_and_its_copies(embedder: Embedder) -> None:
    made = replace(TRAINING_SET, classic=CLASSIC)
    found = embedder.training_set(made)
    seen = _seen(found, 0, True)
    expected = [embedder(made.pixels), *embedder.views_of(made, CLASSIC)]
    np.testing.assert_allclose(seen.features, seen.project(np.concatenate(expected)), atol=1e-6)
