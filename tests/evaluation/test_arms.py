from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from gan_augment.evaluation.arms import (
    ARMS,
    MOST,
    Material,
    Option,
    extent,
    take,
    taken,
    transforms,
)
from gan_augment.evaluation.training_set import FRESH_SETS, Extent, TrainingSet, resample
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import FeatureSpace, Images

NAMES = tuple(ARMS)
EXTRA = np.array([0, 5, 0, 5, 0, 5, 0, 5, 0, 5])


@pytest.fixture(scope="module")
def material(train_images: Images) -> Material:
    """Return real images, with shifted real images in the place of synthetic ones."""
    rows = taken(train_images.labels, EXTRA, 1, 0)
    shifted = np.roll(train_images.pixels, 1, axis=3)
    soft = [np.full(10, 0.1) if number % 2 else None for number in range(25)]
    columns = pd.DataFrame({"weight": [0.5, None] * 12 + [0.25], "soft_labels": soft})
    synthetic = Images(shifted[rows], train_images.labels[rows], train_images.classes, columns)
    raw = Images(shifted, train_images.labels, train_images.classes, train_images.rows)
    return Material(train_images, synthetic, partial(take, raw, ratio=1, seed=0), ClassicParams())


def made(name: str, material: Material, option: Option = None) -> TrainingSet:
    """Return the training set of an arm with an option; None stands for its first."""
    option = ARMS[name].options[0] if option is None else option
    return ARMS[name].prepare(material, 0)(option, material.classic)


def test_every_arm_adds_as_many_images_as_there_are_synthetic_ones(material: Material) -> None:
    plain = len(material.real)
    for name in ("oversample", "smote", "gmm", "placebo", "classic", "gan", "gan+classic", "mixup"):
        assert len(made(name, material).labels) == plain + 25
    for name in ("real", "class-weights", "synthetic-only"):
        assert len(made(name, material).labels) == plain


@pytest.mark.parametrize("name", NAMES)
def test_the_first_rows_are_the_real_ones(name: str, material: Material) -> None:
    for option in ARMS[name].options:
        found = made(name, material, option)
        assert found.real == (0 if name == "synthetic-only" else len(material.real))
        np.testing.assert_array_equal(
            found.pixels[: found.real], material.real.pixels[: found.real]
        )
        assert not found.synthetic[: found.real].any()
        lengths = {
            len(part) for part in (found.pixels, found.labels, found.weights, found.synthetic)
        }
        assert lengths == {len(found.labels)}


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_the_ratio_says_how_many_are_added(ratio: float, material: Material) -> None:
    for name in ("oversample", "smote", "gmm", "gan", "gan-raw", "placebo"):
        found = made(name, material, ratio)
        added = np.bincount(found.labels[found.real :], minlength=10)
        np.testing.assert_array_equal(added, np.rint(EXTRA * ratio))


@pytest.mark.parametrize("simpler", ["gmm", "smote"])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_two_methods_add_half_each(simpler: str, ratio: float, material: Material) -> None:
    both = made(f"gan+{simpler}", material, ratio)
    parts = [made(name, material, ratio / 2) for name in ("gan", simpler)]
    assert both.synthetic.sum() == parts[0].synthetic.sum()
    added = [
        sorted(p.tobytes() for part in group for p in part.pixels[part.real :])
        for group in ([both], parts)
    ]
    assert added[0] == added[1]


def test_with_classic_synthetic_images_take_the_place_of_repeated_ones(material: Material) -> None:
    half = made("gan+classic", material, 0.5)
    assert half.synthetic.sum() == np.rint(EXTRA * 0.5).sum()
    assert len(half.labels) == len(made("classic", material).labels)
    none, plain = made("gan+classic", material, 0.0), made("classic", material)
    np.testing.assert_array_equal(none.pixels, plain.pixels)
    assert none.classic == plain.classic == material.classic


def test_every_arm_with_the_gan_has_images_of_it_whatever_validation_chooses(
    material: Material,
) -> None:
    """Else the verdict on the GAN would be one on the arm that it stands in for."""
    many = Material(material.real, material.real, material.raw, material.classic)
    for name in (name for name in NAMES if ARMS[name].kind == "gan"):
        assert len(set(ARMS[name].options)) == 6
        for option in ARMS[name].options:
            found = made(name, many, option)
            assert found.synthetic.any()
            assert found.schedule != "first" or option > 0


@pytest.mark.parametrize("name", ["gan+gmm+classic", "gan+smote+classic", "gmm+smote+classic"])
@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_two_methods_share_the_places_of_repeated_images(
    name: str, share: float, material: Material
) -> None:
    found = made(name, material, share)
    first, second, _ = name.split("+")
    parts = [made(part, material, share / 2) for part in (first, second)]
    added = sum(len(part.labels) - part.real for part in parts)
    assert len(found.labels) == max(len(made("classic", material).labels), found.real + added)
    assert found.synthetic.sum() == sum(part.synthetic.sum() for part in parts)
    last = [part.pixels[part.real :] for part in parts]
    assert {i.tobytes() for i in found.pixels} >= {i.tobytes() for i in np.concatenate(last)}


def test_what_there_is_too_few_of_comes_round_again() -> None:
    labels = np.array([1, 0, 1])
    found = taken(labels, np.array([1, 2, 4]), 2.0, 0)
    assert found[:2].tolist() == [1, 1]
    assert sorted(found[2:]) == [0, 0, 2, 2]
    assert found[2] != found[3]


def test_what_is_taken_is_a_fair_sample_and_grows_with_the_ratio() -> None:
    """Of a class whose last rows a fallback made, half of any share is the fallback's."""
    labels = np.repeat([0, 1], [100, 400])
    part, more = (taken(labels, np.array([0, 400]), ratio, 0) for ratio in (0.25, 0.5))
    assert set(part) < set(more)
    assert len(set(more)) == 200
    for rows in (part, more):
        assert 0.4 < (rows >= 300).mean() < 0.6


def test_what_is_taken_of_features_stays_features(random_images: Callable[..., Images]) -> None:
    space, images = FeatureSpace("made-up", "0" * 16, 2, (8, 8)), random_images(12, 3)
    features = replace(images, pixels=np.ones((12, 2), np.float32), space=space)
    assert take(features, np.array([1, 0, 2]), 1, 0).space == space


@pytest.mark.parametrize("name", [n for n in NAMES if ARMS[n].kind == "gan" and n != "gan-first"])
def test_repeats_that_take_a_part_of_the_same_images_take_another_part(
    name: str, material: Material
) -> None:
    """Else the images of a fallback among them would be as many in every repeat."""
    one, two = (ARMS[name].prepare(material, seed)(0.5, material.classic) for seed in (0, 1))
    assert one.synthetic.sum() == two.synthetic.sum() > 0
    assert added(one) != added(two)


def added(found: TrainingSet) -> list[bytes]:
    return sorted(image.tobytes() for image in found.pixels[found.synthetic])


def test_class_weights_make_classes_count_the_same(material: Material) -> None:
    found = made("class-weights", material)
    np.testing.assert_allclose(np.bincount(found.labels, found.weights), len(found.labels) / 10)
    assert (made("class-weights", material, 0.0).weights == 1).all()


def test_gates_weights_and_probabilities_are_used(material: Material) -> None:
    rows = {image.tobytes(): row for row, image in enumerate(material.synthetic.pixels)}
    weighted = made("gan-weighted", material)
    told = material.synthetic.rows["weight"].fillna(1.0)
    found = [rows[image.tobytes()] for image in weighted.pixels[weighted.synthetic]]
    assert sorted(found) == list(range(25))
    np.testing.assert_array_equal(weighted.weights[weighted.synthetic], told[found])
    soft = made("gan-soft", material)
    assert soft.soft is not None
    np.testing.assert_array_equal(soft.soft[: soft.real], np.eye(10)[soft.labels[: soft.real]])
    hard = np.eye(10)[soft.labels]
    for row in np.flatnonzero(soft.synthetic):
        is_soft = rows[soft.pixels[row].tobytes()] % 2
        np.testing.assert_allclose(soft.soft[row], np.full(10, 0.1) if is_soft else hard[row])


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixed_batches_are_of_the_same_rows(kind: str, material: Material) -> None:
    for mixed, plain in ((kind, "classic"), (f"gan+{kind}", "gan+classic")):
        found, same = made(mixed, material), made(plain, material)
        np.testing.assert_array_equal(found.pixels, same.pixels)
        np.testing.assert_array_equal(found.synthetic, same.synthetic)
        assert (found.mix, same.mix) == ((kind, 0.2), None)
    assert made(kind, material, 0.8).mix == (kind, 0.8)
    half, whole = (made(f"gan+{kind}", material, share) for share in (0.4, 0.8))
    assert 2 * half.synthetic.sum() == whole.synthetic.sum() > 0
    assert half.mix == whole.mix == (kind, 0.2)


def test_every_epoch_sees_other_synthetic_images_and_all_real_ones(material: Material) -> None:
    found = made("gan-fresh", material, 1.0)
    assert found.synthetic.sum() == MOST * 25
    seen = [set(found.rows_at(epoch * len(found.labels), 999, 1)) for epoch in range(FRESH_SETS)]
    real = set(np.flatnonzero(~found.synthetic))
    assert all(real <= rows for rows in seen)
    assert set.union(*seen) == set(range(len(found.labels)))
    assert set.intersection(*seen) == real


def test_synthetic_images_come_first_then_real_ones(material: Material) -> None:
    found = made("gan-first", material, 0.25)
    assert found.synthetic[found.rows_at(24, 100, 64)].all()
    assert not found.synthetic[found.rows_at(25, 100, 64)].any()
    assert not found.synthetic[made("gan-first", material, 0.0).rows_at(0, 100, 64)].any()


@pytest.mark.parametrize("name", NAMES)
def test_resampling_keeps_every_row_and_adds_half_of_each_class(
    name: str, material: Material
) -> None:
    before = made(name, material)
    again = resample(before, 3)
    assert {i.tobytes() for i in again.pixels} == {i.tobytes() for i in before.pixels}
    for part in (slice(None, before.real), slice(before.real, None)):
        counts = np.bincount(before.labels[part], minlength=10)
        resampled = slice(None, again.real) if part.stop else slice(again.real, None)
        now = np.bincount(again.labels[resampled], minlength=10)
        if part.stop != 0:
            np.testing.assert_array_equal(now, counts + counts // 2)
    assert again.synthetic.sum() >= before.synthetic.sum()


def test_repeats_are_paired_across_arms(material: Material) -> None:
    """The real rows are drawn alike in every arm, and differently in every repeat."""
    one, two = (resample(made(name, material), 3) for name in ("real", "gan"))
    np.testing.assert_array_equal(one.pixels, two.pixels[: two.real])
    other = resample(made("real", material), 4)
    assert not np.array_equal(one.pixels, other.pixels)


def test_arms_that_are_tuned_have_the_same_budget() -> None:
    budgets = {len(arm.options) for name, arm in ARMS.items() if arm.kind != "control"}
    assert budgets == {1, 6}
    assert [
        name for name in ARMS if ARMS[name].kind != "control" and len(ARMS[name].options) == 1
    ] == ["real"]


def test_there_are_arms_of_every_kind_and_every_baseline() -> None:
    assert {arm.kind for arm in ARMS.values()} == {"gan", "plain", "control"}
    assert set(BASELINES) <= set(ARMS)
    assert ARMS["placebo"].kind == "control"


@pytest.mark.parametrize(
    ("names", "tuning_repeats", "most"),
    [
        (("real", "gan+classic"), 1, 2 * 3 * (1000 + 2 * 5600) // 2),
        (("real", "gan", "classic"), 1, 3 * (1000 + 3 * 5600) // 2),
        (("real", "gan", "classic"), 0, 2 * 3 * (1000 + 5600) // 2),
        (("real", "gan"), 0, 3 * (1000 + 5600) // 2),
        (("real", "gan-first"), 1, 3 * (1000 + 5600) // 2),
    ],
)
def test_the_largest_arm_has_the_most_that_validation_chooses_from(
    names: tuple[str, ...], tuning_repeats: int, most: int
) -> None:
    """Resampled it is half as large again, and with a copy of each row twice that."""
    params = EvaluateParams(arms=names, tuning_repeats=tuning_repeats)
    assert extent(1000, 5600, params) == Extent(1, most)


@pytest.mark.parametrize("name", [name for name in NAMES if not ARMS[name].networks])
def test_no_arm_is_larger_than_the_largest(name: str, material: Material) -> None:
    """But for what two methods round up."""
    params = EvaluateParams(arms=tuple(dict.fromkeys(["real", name])))
    copied, most = extent(len(material.real), 25, params)
    for option in ARMS[name].options:
        rows = len(resample(made(name, material, option), 0).labels)
        assert rows * (1 + copied * transforms(name)) <= 1.01 * most
