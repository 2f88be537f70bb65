"""The stage on real digits, with a quickly trained generator: what it writes, and the seal."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.evaluation import stage, views
from gan_augment.evaluation.training_set import Extent
from gan_augment.gan import stage as train
from gan_augment.params import ClassicParams, EvaluateParams, GenerateParams, TrainParams
from gan_augment.recipe import of
from gan_augment.storage import write_json
from gan_augment.synthesis import stage as generate
from gan_augment.table import FeatureSpace

PARAMS = EvaluateParams(
    repeats=6,
    arms=("real", "smote", "placebo", "gan", "gan+classic", "synthetic-only"),
    classifiers=("k-nn", "rbf-svm"),
)
NAMES = {
    "outcomes": "outcomes.parquet",
    "repeats": "repeats.csv",
    "arms": "arms.csv",
    "lifts": "lifts.csv",
    "metrics": "metrics.json",
    "verdict": "verdict.json",
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    names = ("ingest", "model", "history", "synthetic", "draws", "synthesis")
    paths = {"real": digits, **{name: folder / name for name in names}}
    seal(digits, paths["ingest"])
    settings = TrainParams(steps=300, batch_size=64, eval_interval=100, threads=1)
    train.run(settings, paths, {**paths, "scratch": folder / "scratch"})
    places = {**paths, "report": paths["synthesis"], "scratch": folder / "scratch"}
    generate.run(GenerateParams(), paths, places, PARAMS.sets)
    return paths


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, Path]) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    stage.run(PARAMS, inputs, outputs(folder))
    return folder


def seal(real: Path, folder: Path) -> None:
    folder.mkdir()
    write_json(folder / "seal.json", {"test": table.table_hash(real, "test")})


def outputs(folder: Path) -> dict[str, Path]:
    files = {name: folder / file for name, file in NAMES.items()}
    return {**files, "scratch": folder.parent / "scratch"}


def test_repeats_are_tidy_and_whole(reports: Path) -> None:
    frame = pd.read_csv(reports / "repeats.csv", dtype={"class": str})
    assert list(frame) == ["repeat", "classifier", "arm", "split", "metric", "class", "value"]
    cells = frame.groupby(["repeat", "classifier", "arm", "split"]).size()
    assert len(cells) == 6 * 2 * 6 * 2 + 6 * 2  # the last: `real` on synthetic images
    assert (cells == 16).all()  # six metrics and the recall of ten classes
    assert frame["value"].between(0, 1).all()


def test_balanced_accuracy_is_the_mean_recall(reports: Path) -> None:
    frame = pd.read_csv(reports / "repeats.csv")
    key = ["repeat", "classifier", "arm", "split"]
    balanced = frame[frame["metric"] == "balanced_accuracy"].set_index(key)["value"]
    recall = frame[frame["metric"] == "recall"].groupby(key)["value"].mean()
    np.testing.assert_allclose(balanced.sort_index(), recall.sort_index(), atol=1e-5)


def test_verdict_metrics_and_lifts_agree(reports: Path) -> None:
    verdict = json.loads((reports / "verdict.json").read_text())
    metrics = json.loads((reports / "metrics.json").read_text())
    overall = verdict["overall"]
    assert metrics["verdict"] == overall["verdict"]
    assert metrics["real"] == pytest.approx(100 * overall["scores"]["real"], abs=0.01)
    assert metrics["gan"] == pytest.approx(100 * overall["scores"][overall["gan_arm"]], abs=0.01)
    assert metrics["gain"] == pytest.approx(metrics["gan"] - metrics["plain"], abs=0.02)
    assert metrics["low"] <= metrics["gain"] <= metrics["high"]
    assert set(overall["scores"]) == set(PARAMS.arms)
    lifts = pd.read_csv(reports / "lifts.csv").set_index("arm")
    assert set(lifts.index) == set(PARAMS.arms) - {"real"}
    gain = 100 * (overall["scores"]["gan"] - overall["scores"]["real"])
    assert lifts.loc["gan", "points"] == pytest.approx(gain, abs=1e-4)
    means = np.mean([judge["scores"]["gan"] for judge in verdict["classifiers"].values()])
    assert overall["scores"]["gan"] == pytest.approx(means)


def test_the_verdict_tells_what_it_was_reached_with(reports: Path) -> None:
    verdict = json.loads((reports / "verdict.json").read_text())
    assert EvaluateParams.model_validate(verdict["settings"]) == PARAMS
    assert verdict["kinds"] == {
        "real": "plain",
        "smote": "plain",
        "placebo": "control",
        "gan": "gan",
        "gan+classic": "gan",
        "synthetic-only": "control",
    }
    assert set(verdict["choices"]) == set(PARAMS.arms)


def test_the_recipe_is_the_best_on_validation_that_a_user_can_follow(reports: Path) -> None:
    verdict = json.loads((reports / "verdict.json").read_text())
    recipes, recipe = verdict["recipes"], verdict["recipe"]
    assert set(recipes) == {"real", "smote", "gan", "gan+classic"}
    frame = pd.read_csv(reports / "repeats.csv").query("metric == 'balanced_accuracy'")
    means = frame.groupby(["split", "arm"])["value"].mean()
    for arm, found in recipes.items():
        assert found["validation"] == pytest.approx(means["validation", arm], abs=1e-5)
        assert found["score"]["mean"] == pytest.approx(means["test", arm], abs=1e-5)
    assert recipe["arm"] == max(recipes, key=lambda arm: means["validation", arm])
    assert recipe["arm"] in (verdict["overall"]["gan_arm"], verdict["overall"]["alternative"])
    assert of(verdict).sentence.startswith(f"{recipe['arm']}: real images")


def test_scores_are_those_of_classifiers_that_know_something(reports: Path) -> None:
    scores = json.loads((reports / "verdict.json").read_text())["overall"]["scores"]
    assert 0.9 < scores["real"] < 0.99
    assert scores["synthetic-only"] > 0.6


def test_a_rerun_gives_the_same_bytes(
    reports: Path, inputs: dict[str, Path], tmp_path: Path
) -> None:
    stage.run(PARAMS, inputs, outputs(tmp_path))
    for name in NAMES.values():
        assert (tmp_path / name).read_bytes() == (reports / name).read_bytes()


def test_choices_do_not_depend_on_the_test_split(
    reports: Path, inputs: dict[str, Path], tmp_path: Path
) -> None:
    """With its test labels scrambled, everything but the test scores stays as it was."""
    shutil.copytree(inputs["real"], tmp_path / "real")
    test = table.read(inputs["real"], "test")
    scrambled = np.random.default_rng(0).permutation(test.labels)
    rows = table.encode(test.pixels, scrambled, test.classes, split="test", origin="real")
    table.write(tmp_path / "other", [rows], test.classes)
    shutil.copy(tmp_path / "other" / "test-00000.parquet", tmp_path / "real")
    other = {**inputs, "real": tmp_path / "real"}
    with pytest.raises(UserError, match="not the one that ingestion sealed"):
        stage.run(PARAMS, other, outputs(tmp_path))
    seal(other["real"], tmp_path / "ingest")
    stage.run(PARAMS, {**other, "ingest": tmp_path / "ingest"}, outputs(tmp_path))

    frames = [pd.read_csv(folder / "repeats.csv") for folder in (reports, tmp_path)]
    first, second = (frame[frame["split"] != "test"] for frame in frames)
    pd.testing.assert_frame_equal(first, second)
    chosen = [
        [found["overall"]["gan_arm"], found["overall"]["alternative"], found["recipe"]["arm"]]
        for found in (json.loads((f / "verdict.json").read_text()) for f in (reports, tmp_path))
    ]
    assert chosen[0] == chosen[1]


def test_synthetic_images_of_another_generator_are_refused(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    rows = next(table.scan(inputs["synthetic"]))
    images = table.decode(rows)
    foreign = table.encode(
        images.pixels,
        images.labels,
        images.classes,
        split="train",
        origin="synthetic",
        generator="0" * 16,
    )
    table.write(tmp_path / "synthetic", [foreign], images.classes)
    with pytest.raises(UserError, match="of another generator: run `dvc repro generate`"):
        stage.run(PARAMS, {**inputs, "synthetic": tmp_path / "synthetic"}, outputs(tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_where_nothing_was_made_the_rest_is_compared(
    inputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = table.class_names(inputs["real"])
    for name in ("synthetic", "draws"):
        table.write(tmp_path / name, [], classes)
    empty = {**inputs, "synthetic": tmp_path / "synthetic", "draws": tmp_path / "draws"}
    arms = ("real", "class-weights", "smote", "classic", "placebo", "gan", "synthetic-only")
    params = PARAMS.model_copy(update={"arms": arms, "classifiers": ("k-nn",), "tuning_repeats": 0})
    stage.run(params, empty, outputs(tmp_path / "r"))
    assert "no synthetic image was made: without smote, placebo, gan" in capsys.readouterr().out
    verdict = json.loads((tmp_path / "r" / "verdict.json").read_text())
    assert verdict["overall"]["verdict"] == "nothing made"
    compared = ["real", "class-weights", "classic", "synthetic-only"]
    assert list(verdict["overall"]["scores"]) == list(verdict["choices"]) == compared
    assert EvaluateParams.model_validate(verdict["settings"]) == params
    metrics = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert set(metrics) == {"verdict", "real", "plain"}
    lifts = pd.read_csv(tmp_path / "r" / "lifts.csv")
    assert sorted(lifts["arm"]) == sorted(compared[1:])
    alone = params.model_copy(update={"arms": ("real", "gan")})
    stage.run(alone, empty, outputs(tmp_path / "alone"))
    header = (tmp_path / "alone" / "lifts.csv").read_text()
    assert header == "arm,points,low,high,p,adjusted_p\n"


def test_of_very_many_images_it_says_who_judges(capsys: pytest.CaptureFixture[str]) -> None:
    params = EvaluateParams(classifiers=("mlp", "rbf-svm"))
    stage._told(Extent(1, 20_000), params)
    stage._told(Extent(1, 30_000), EvaluateParams(classifiers=("mlp",)))
    assert not capsys.readouterr().out
    stage._told(Extent(1, 30_000), params)
    said = capsys.readouterr().out
    assert "arms have up to 30000 rows, copies included, more than 20000" in said
    assert "in all arms rbf-svm is replaced by a linear SVM" in said
    assert "k-nn" not in said


@pytest.mark.parametrize(
    ("arms", "tuning_repeats", "policies"),
    [
        (("real", "gan"), 1, None),
        (("real", "gan+classic"), 1, ("erasing",)),
        (("real", "classic", "gan+classic"), 1, views.POLICIES),
        (("real", "classic", "gan+classic"), 0, ("erasing",)),
    ],
)
def test_a_backbone_looks_at_the_transforms_that_arms_may_take(
    arms: tuple[str, ...],
    tuning_repeats: int,
    policies: tuple[str, ...] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "build", lambda *args: args[3])
    monkeypatch.setattr(table, "table_hash", lambda *_: "0" * 16)  # there is no table
    classic = ClassicParams(policy="erasing")
    params = EvaluateParams(arms=arms, tuning_repeats=tuning_repeats, classic=classic)
    space = FeatureSpace("made-up", "0" * 16, 5, (8, 8))
    args = Path("real"), 70, Extent(2, 100), space, None, Path("scratch")
    assert stage._views(params, *args) == policies
