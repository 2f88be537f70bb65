"""Transformed copies through a backbone, and what classifiers see of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.errors import UserError
from gan_augment.evaluation import views
from gan_augment.evaluation.arms import Material, options
from gan_augment.evaluation.classic import transformed
from gan_augment.evaluation.classifiers import _seen
from gan_augment.evaluation.training_set import NO_IMAGE, Extent, Views, copies, resample
from gan_augment.evaluation.views import Look, View, build
from gan_augment.params import ClassicParams
from gan_augment.seeding import seed_of
from gan_augment.table import FeatureSpace, Images
from tests.conftest import QUICK_BACKBONE
from tests.evaluation.test_arms import made

COUNT = 70
"""Images: a block, and a part of one."""
SPACE = FeatureSpace("made-up", "0" * 16, 5, (8, 8))


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    folder = tmp_path_factory.mktemp("views")
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 12, 12), np.uint8)
    rows = table.encode(pixels, np.arange(COUNT) % 2, ["a", "b"], split="train", origin="real")
    table.write(folder / "real", [rows], ["a", "b"])
    space = backbones.load(QUICK_BACKBONE, QUICK_BACKBONE.backbone).space
    shown = table.table_hash(folder / "real", "train")
    return Look(folder / "real", shown, space, None, ClassicParams(), 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where views are kept."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def built(look: Look, kept: Path) -> Views:
    return build(look, COUNT, views.EACH, ["affine", "trivial-augment"], kept)


def test_a_view_is_what_the_backbone_sees_in_a_transformed_image(look: Look, built: Views) -> None:
    assert {name: found.shape for name, found in built.items()} == {
        "affine": (views.EACH, COUNT, 1280),
        "trivial-augment": (views.EACH, COUNT, 1280),
    }
    view = View("trivial-augment", 1, 64, COUNT)
    pixels = table.read(look.images, "train").pixels[64:]
    classic = look.classic.model_copy(update={"policy": view.policy})
    copies = transformed(pixels, classic, seed_of(look.seed, "view", *view))
    expected = backbones.embed([table.picture(copy) for copy in copies], look.space)
    np.testing.assert_allclose(built[view.policy][1, 64:], expected, rtol=1e-4, atol=1e-4)
    assert not np.allclose(built["affine"][0], built["affine"][1])


def test_what_is_kept_is_not_looked_at_again(look: Look, built: Views, kept: Path) -> None:
    np.save(kept / "affine-1-000064.npy", np.full((COUNT - 64, 1280), 7, np.float32))
    (kept / "affine-0-000000.npy").unlink()
    again = build(look, COUNT, views.EACH, ["affine"], kept)["affine"]
    np.testing.assert_array_equal(again[0], built["affine"][0])
    np.testing.assert_array_equal(again[1, :64], built["affine"][1, :64])
    assert (again[1, 64:] == 7).all()
    nothing_kept = build(look, COUNT, views.EACH, ["affine"])["affine"]
    np.testing.assert_array_equal(nothing_kept, built["affine"])


def test_a_table_in_the_place_of_another_is_read_anew(look: Look, tmp_path: Path) -> None:
    """By the process that has read the other one, as a session of Python may do."""
    seen = []
    for level in (50, 200):
        pixels = np.full((1, 3, 12, 12), level, np.uint8)
        rows = table.encode(pixels, np.zeros(1, int), ["a"], split="train", origin="real")
        table.write(tmp_path / "real", [rows], ["a"])
        shown = table.table_hash(tmp_path / "real", "train")
        here = replace(look, images=tmp_path / "real", shown=shown)
        seen.append(np.asarray(here._transformed(View("affine", 0, 0, 1))[0]).max())
    assert seen == [50, 200]


def test_other_weights_are_refused(look: Look) -> None:
    other = replace(look.space, hash="0" * 16)
    with pytest.raises(UserError, match="they do not compare"):
        build(replace(look, space=other), COUNT, views.EACH, ["affine"])


def test_of_many_images_there_is_one_view() -> None:
    assert [views.each(Extent(copies(rows), rows)) for rows in (1, 4_000, 4_001)] == [2, 2, 1]


def test_validation_chooses_among_the_policies_of_views() -> None:
    assert options("classic", SPACE) == views.POLICIES
    assert len(options("classic", None)) == 6
    assert options("gan+classic", SPACE) == options("gan+classic", None)


@pytest.fixture
def material(random_images: Callable[..., Images]) -> Material:
    """Return features of nine real images, with four synthetic rows, and views that are marked."""
    images, draw = random_images(13), np.random.default_rng(1)
    features = draw.normal(size=(13, 5)).astype(np.float32)
    looked_at = replace(images, pixels=features, space=SPACE)
    real, synthetic = (looked_at.select(rows) for rows in np.split(np.arange(13), [9]))
    seen = {p: 100 * (1 + n) + real.pixels + [[[1]], [[2]]] for n, p in enumerate(views.POLICIES)}
    return Material(real, synthetic, lambda _: synthetic, ClassicParams(), seen)


@pytest.mark.parametrize("arm", ["classic", "gan+classic", "smote+classic"])
def test_rows_know_the_image_that_they_show(arm: str, material: Material) -> None:
    option = "affine" if arm == "classic" else 0.5
    for found in (made(arm, material, option), resample(made(arm, material, option), 0)):
        shown = found.shows != NO_IMAGE
        np.testing.assert_array_equal(found.pixels[shown], material.real.pixels[found.shows[shown]])
        assert shown[: found.real].all()
        assert len(found.labels) > shown.sum() or arm == "classic"
        assert not shown[found.synthetic].any()


def test_classifiers_see_images_with_their_views_and_synthetic_rows_as_they_are(
    material: Material,
) -> None:
    found = resample(made("gan+classic", material, 1.0), 0)
    assert found.synthetic.any()
    classic = material.classic.model_copy(update={"policy": "gentle-affine"})
    seen = _seen(replace(found, classic=classic), 0, True)
    shown = (found.shows != NO_IMAGE)[:, None]
    expected = [
        found.pixels,
        *(np.where(shown, found.pixels + n, found.pixels) for n in (201, 202)),
    ]
    np.testing.assert_allclose(seen.features, seen.project(np.concatenate(expected)), atol=1e-6)
    np.testing.assert_array_equal(seen.labels, np.tile(found.labels, 3))
    assert len(seen.weights) == len(seen.labels)
