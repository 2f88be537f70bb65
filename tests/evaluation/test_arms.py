import numpy as np
import pytest

from pipeline.evaluation.arms import ARMS, Material, resample
from pipeline.params import ClassicParams
from pipeline.table import Images


@pytest.fixture(scope="module")
def material(train_images: Images) -> Material:
    """Return real images, with shifted real images in the place of synthetic ones."""
    extra = np.array([0, 5, 0, 5, 0, 5, 0, 5, 0, 5])
    rows = np.concatenate(
        [np.flatnonzero(train_images.labels == c)[:n] for c, n in enumerate(extra)]
    )
    shifted = np.roll(train_images.pixels, 1, axis=3)
    synthetic = Images(shifted[rows], train_images.labels[rows], train_images.classes, None)  # type: ignore[arg-type]
    stand_in = Images(shifted, train_images.labels, train_images.classes, None)  # type: ignore[arg-type]
    return Material(train_images, synthetic, stand_in, ClassicParams())


def test_every_arm_adds_as_many_images_as_the_gan(material: Material) -> None:
    plain = len(material.real)
    sizes = {name: len(arm.make(material, 0).labels) for name, arm in ARMS.items()}
    for name in ("oversample", "smote", "gmm", "placebo", "classic", "gan", "gan+classic"):
        assert sizes[name] == plain + 25
    for name in ("real", "class-weights", "synthetic-only"):
        assert sizes[name] == plain


def test_the_first_rows_are_the_real_ones(material: Material) -> None:
    for name, arm in ARMS.items():
        made = arm.make(material, 0)
        assert made.real == (0 if name == "synthetic-only" else len(material.real))
        np.testing.assert_array_equal(made.pixels[: made.real], material.real.pixels[: made.real])


def test_class_weights_make_classes_count_the_same(material: Material) -> None:
    made = ARMS["class-weights"].make(material, 0)
    totals = np.bincount(made.labels, made.weights)
    np.testing.assert_allclose(totals, len(made.labels) / 10)


def test_resampling_keeps_every_row_and_adds_half_of_each_class(material: Material) -> None:
    made = ARMS["gan"].make(material, 0)
    again = resample(made, 3)
    assert {image.tobytes() for image in again.pixels} == {image.tobytes() for image in made.pixels}
    counts, before = np.bincount(again.labels[: again.real]), material.real.counts()
    np.testing.assert_array_equal(counts, before + before // 2)


def test_repeats_are_paired_across_arms(material: Material) -> None:
    """The real rows are drawn alike in every arm, and differently in every repeat."""
    one, two = (resample(ARMS[name].make(material, 0), 3) for name in ("real", "gan"))
    np.testing.assert_array_equal(one.pixels, two.pixels[: two.real])
    other = resample(ARMS["real"].make(material, 0), 4)
    assert not np.array_equal(one.pixels, other.pixels)


def test_there_are_arms_of_every_kind() -> None:
    assert {arm.kind for arm in ARMS.values()} == {"gan", "plain", "control"}
    assert ARMS["placebo"].kind == "control"
