"""The stage classifier: which judge, trained how, and what is written down."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_augment import load, table
from gan_augment.classifier import judges, model
from gan_augment.classifier.training import choose, training_set
from gan_augment.evaluation.arms import extent
from gan_augment.evaluation.classifiers import extent_of
from gan_augment.evaluation.training_set import NO_IMAGE
from gan_augment.params import ClassifierParams, EvaluateParams
from gan_augment.recipe import of
from gan_augment.storage import read_json
from tests.assembled import MADE
from tests.classifier.conftest import Assembled, train


def test_it_keeps_the_best_on_validation_that_can_be_kept(of_pixels: Path, augmented: Path) -> None:
    config, head = model.load(of_pixels)
    assert (config.judge, config.arm) == ("mlp", "smote")
    assert config.measured == {"validation": 0.85, "test": 0.84}
    (note,) = config.notes
    assert note.startswith("on validation rbf-svm does better with this recipe (90.0 % to 85.0 %)")
    assert config.classes == table.class_names(augmented)
    assert config.images == model.Stored(size=(8, 8), channels=1, fit="stretch")
    assert (config.backbone, config.widths) == (None, (64, 64, 10))
    assert config.provenance["augmented images"] == table.table_hash(augmented)
    real = int(table.counts(augmented, "train").sum()) - 5 * MADE
    assert config.provenance["rows"] == {"real": real, "synthetic": 5 * MADE}
    validation = table.read(augmented, "validation")
    assert (head(validation.pixels).argmax(1) == validation.labels).mean() > 0.9


def test_of_features_the_backbone_is_named(of_features: Path, embedded: Path) -> None:
    config, head = model.load(of_features)
    assert config.backbone == table.space(embedded)
    assert config.widths == (1280, 64, 10)
    assert config.images == model.Stored(size=(8, 8), channels=1, fit="stretch")
    train_rows = table.read(embedded, "train")
    assert (head(train_rows.pixels).argmax(1) == train_rows.labels).mean() > 0.9


def test_again_it_writes_the_same_bytes_and_another_seed_does_not(
    augmented: Path, of_pixels: Path, tmp_path: Path
) -> None:
    again, other = train(augmented, tmp_path / "again"), train(augmented, tmp_path / "b", seed=1)
    for name in (model.CONFIG, model.WEIGHTS):
        assert (again / name).read_bytes() == (of_pixels / name).read_bytes()
    assert (other / model.WEIGHTS).read_bytes() != (again / model.WEIGHTS).read_bytes()


def test_of_features_transformed_images_are_looked_at_again(
    assemble: Assembled, features: Path, tmp_path: Path
) -> None:
    settings = {"share": 1.0, "classic": {"policy": "gentle-affine"}, "copies": 2}
    augmented = assemble(features, logistic_regression=settings)
    made = training_set(augmented, of(read_json(augmented / "verdict.json"), "smote"), 0)
    real = table.read(augmented, "train").pixels
    shown = made.shows != NO_IMAGE
    np.testing.assert_array_equal(shown, ~made.synthetic)
    np.testing.assert_array_equal(made.pixels[shown], real[made.shows[shown]])
    assert made.views is not None
    assert made.views["gentle-affine"].shape == (2, made.real, 1280)
    near = np.abs(made.views["gentle-affine"][0] - real[: made.real]).mean()
    assert 0 < near < np.abs(real[: made.real] - np.roll(real[: made.real], 1, axis=0)).mean()
    kept, _ = model.load(train(augmented, tmp_path / "classifier"))
    assert (kept.arm, kept.backbone) == ("smote", table.space(features))


def test_synthetic_images_with_features_are_transformed_like_real_ones(
    assemble: Assembled, features: Path
) -> None:
    settings = {"share": 1.0, "classic": {"policy": "gentle-affine"}}
    copies = {"copies": 2, "copies_of_all": True}
    augmented = assemble(features, "pixels", logistic_regression={**settings, **copies})
    data = load(augmented)
    made = np.flatnonzero(data.synthetic)
    images = [data.image(row) for row in made.tolist()]
    np.testing.assert_allclose(data.embed(images), data.features[made], rtol=1e-3, atol=1e-4)
    recipe = of(read_json(augmented / "verdict.json"), "smote")
    learnt = training_set(augmented, recipe, 0)
    assert (learnt.shows != NO_IMAGE).all()
    assert learnt.views is not None
    assert learnt.views["gentle-affine"].shape == (2, len(table.labels(augmented, "train")), 1280)
    assert "all also as 2 transformed copies (gentle-affine)" in recipe.sentence
    found: dict[str, np.ndarray] = {}
    exec(recipe.code(str(augmented)), found)
    assert len(found["features"]) == len(found["labels"]) == 3 * len(found["rows"])
    seen = data.features[np.tile(found["rows"], 2)]
    assert np.abs(found["features"][len(found["rows"]) :] - seen).mean() > 0


@pytest.mark.parametrize("kind", ["augmented", "embedded"])
@pytest.mark.parametrize("name", judges.JUDGES)
def test_what_is_kept_says_what_the_judge_says(
    name: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    augmented = request.getfixturevalue(kind)
    model_folder = train(augmented, tmp_path / "classifier", judge=name)
    recipe = of(read_json(augmented / "verdict.json"), "smote", name)
    made = training_set(augmented, recipe, 0)
    fitted, project = judges.JUDGES[name].estimator.fit(made, 0)
    _, head = model.load(model_folder)
    for split in ("train", "validation"):
        pixels = table.read(augmented, split).pixels
        expected = fitted.predict_proba(project(pixels))
        rtol, atol = (1e-3, 1e-6) if expected.dtype == np.float32 else (1e-9, 1e-12)
        np.testing.assert_allclose(head(pixels), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", judges.JUDGES)
def test_larger_images_and_two_classes(name: str, classes: int, augmented: Path) -> None:
    """Where pixels are seen through their components, and where one logit stands for two."""
    recipe = of(read_json(augmented / "verdict.json"), "smote", name)
    made = training_set(augmented, recipe, 0)
    few = made.labels < classes
    large = made.pixels[few].repeat(4, axis=2).repeat(4, axis=3)
    kept = {key: getattr(made, key)[few] for key in ("labels", "weights", "synthetic", "shows")}
    small = type(made)(large, real=len(large), classes=10, **kept)
    head, known = judges.fit(name, small, 0)
    assert known == tuple(range(classes))
    assert head.components is not None
    fitted, project = judges.JUDGES[name].estimator.fit(small, 0)
    np.testing.assert_allclose(head(large), fitted.predict_proba(project(large)), atol=1e-9)


def test_a_network_that_does_better_is_told_and_not_kept(assemble: Assembled) -> None:
    compared = {"logistic_regression": {"validation": 0.8}, "fine_tuned": {"validation": 0.9}}
    augmented = assemble(**compared)
    found = choose(ClassifierParams(), read_json(augmented / "verdict.json"))
    assert found.judge == "logistic-regression"
    (note,) = found.notes
    assert note.startswith("on validation fine-tuned does better with this recipe (90.0 % to 80.0")
    assert note.endswith("but is a network, and only a head on features or pixels is kept")


def test_rows_are_those_of_the_recipe(augmented: Path) -> None:
    verdict = read_json(augmented / "verdict.json")
    half = training_set(augmented, of(verdict, "smote", "logistic-regression"), 0)
    assert half.synthetic.sum() == 5 * MADE / 2
    assert half.real == (table.read(augmented, "train").rows["origin"] == "real").sum()
    other = training_set(augmented, of(verdict, "smote", "logistic-regression"), 1)
    assert not np.array_equal(half.pixels, other.pixels)


def test_weights_repetition_and_transforms_are_followed(assemble: Assembled) -> None:
    settings = {
        "share": 0.0,
        "again": 1.0,
        "class_weights": {str(n): 1 + n for n in range(10)},
        "classic": {"policy": "gentle-affine"},
    }
    augmented = assemble(logistic_regression=settings)
    recipe = of(read_json(augmented / "verdict.json"), "smote")
    made = training_set(augmented, recipe, 0)
    real = table.read(augmented, "train")
    counts = np.bincount(real.labels[(real.rows["origin"] == "real").to_numpy()])
    planned = MADE * (np.arange(10) % 2)
    np.testing.assert_allclose(np.bincount(made.labels), counts + planned, atol=1)
    np.testing.assert_array_equal(made.weights, 1 + made.labels)
    assert made.classic is not None
    assert made.classic.policy == "gentle-affine"
    assert not made.synthetic.any()


def test_it_learns_from_as_many_transformed_copies_as_the_judge_that_was_measured(
    assemble: Assembled,
) -> None:
    augmented = assemble(logistic_regression={"share": 1.0, "classic": {"policy": "erasing"}})
    recipe = of(read_json(augmented / "verdict.json"), "smote")
    for planned in (50, 2500, 5000):
        of_so_many = replace(recipe, planned={**dict.fromkeys(recipe.planned, 0), "1": planned})
        made = training_set(augmented, of_so_many, 0)
        compared = extent(made.real, planned, EvaluateParams())
        assert extent_of(made).copies == compared.copies


def test_where_none_was_compared_that_can_be_kept_it_says_so(
    assemble: Assembled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    augmented = assemble(k_nn={"share": 1.0})
    config, _ = model.load(train(augmented, tmp_path / "classifier"))
    assert (config.judge, config.measured) == ("logistic-regression", {})
    assert config.notes == (
        "logistic-regression was not compared: trained with the settings of k-nn",
    )
    assert "classifier: logistic-regression, trained as smote\n" in capsys.readouterr().out


def test_a_judge_that_is_asked_for(augmented: Path) -> None:
    verdict = read_json(augmented / "verdict.json")
    asked = choose(ClassifierParams(judge="logistic-regression"), verdict)
    assert asked.recipe.share == 0.5
    assert asked.measured == {"validation": 0.8, "test": 0.79}
    assert asked.notes[0].endswith("(90.0 % to 80.0 %), but was not asked for")
    del verdict["recipes"]["smote"]["classifiers"]["rbf-svm"]
    assert choose(ClassifierParams(), verdict).notes == ()


def test_a_class_without_training_images_is_never_said(augmented: Path, tmp_path: Path) -> None:
    """Its images are all in the other splits."""
    folder = tmp_path / "augmented"
    rows = (r.filter(_but_nines(r)) for r in table.scan(augmented))
    table.write(folder, rows, table.class_names(augmented))
    (folder / "verdict.json").write_text(json.dumps(read_json(augmented / "verdict.json")))
    config, head = model.load(train(folder, tmp_path / "classifier"))
    assert config.classes == tuple("012345678")
    assert config.notes[-1] == "without training images of 9, never says so"
    assert head(table.read(folder, "validation").pixels).shape[1] == 9


def _but_nines(rows):  # type: ignore[no-untyped-def]
    import pyarrow.compute as pc

    return pc.or_(pc.not_equal(rows["split"], "train"), pc.not_equal(rows["label"], 9))
