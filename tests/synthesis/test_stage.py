import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gan_augment import table
from gan_augment.embed import backbones
from gan_augment.engine import local
from gan_augment.errors import UserError
from gan_augment.gan import model
from gan_augment.gan.networks import build
from gan_augment.metrics.features import training
from gan_augment.params import GenerateParams
from gan_augment.synthesis import sampler, stage
from gan_augment.synthesis.draws import seed_of_set
from gan_augment.table import Images
from tests.synthesis.conftest import SHAPE, generator_of


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model with random weights."""
    folder = tmp_path_factory.mktemp("model")
    model.save(
        folder,
        *build("mlp", SHAPE),
        network="mlp",
        shape=SHAPE,
        classes=tuple("0123456789"),
        training={},
    )
    return folder


def places(target: Path) -> dict[str, Path]:
    return {
        "synthetic": target,
        "draws": target.with_name(f"{target.name}-draws"),
        "report": target.with_name(f"{target.name}-report"),
        "scratch": target.with_name(f"{target.name}-scratch"),
    }


def generate(
    digits: Path,
    trained: Path,
    target: Path,
    *,
    sets: int = 1,
    features: Path | None = None,
    **values: object,
) -> table.Images:
    params = GenerateParams.model_validate(values)
    inputs = {"real": digits, "model": trained, **({"features": features} if features else {})}
    stage.run(params, inputs, places(target), sets)
    return table.read(target)


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch, splits: dict[str, Images]) -> None:
    """Let the generator be one that draws real images that nobody has seen."""
    monkeypatch.setattr(model, "load", lambda _: generator_of(splits["test"]))


def report(target: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(places(target)["report"] / name, dtype={"class": str})


def verdict(target: Path, name: str = "memorisation") -> dict:
    return json.loads((places(target)["report"] / f"{name}.json").read_text())


def test_a_plan_that_wants_nothing_is_told_and_trains_no_network(
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delattr(training, "train_network")
    images = generate(
        digits, tmp_path / "nowhere", tmp_path / "s", plan={"classes": {}}, gates=["agreement"]
    )
    assert len(images) == 0
    assert images.classes == tuple("0123456789")
    assert "wants no synthetic image: it says so. Write `plan: auto`" in capsys.readouterr().out
    nothing = {"passed": None, "reasons": ["no synthetic image was made"], "images": 0}
    assert verdict(tmp_path / "s") == nothing
    assert verdict(tmp_path / "s", "fidelity")["classes"] == {}
    assert len(report(tmp_path / "s", "plan.csv")) == 0


def test_fill_brings_every_class_up_to_the_largest(
    digits: Path, untrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = generate(digits, untrained, tmp_path / "s", plan="fill")
    total = images.counts() + table.read(digits, "train").counts()
    assert np.ptp(total) == 0
    assert "1          20      89  gan\n" in capsys.readouterr().out
    assert not places(tmp_path / "s")["scratch"].exists() or not any(
        places(tmp_path / "s")["scratch"].iterdir()
    )


def test_every_row_can_be_made_again_from_its_provenance(
    digits: Path, untrained: Path, tmp_path: Path
) -> None:
    plan = {"plan": {"per_class": 3}, "seed": 7, "truncation": 1.5}
    images = generate(digits, untrained, tmp_path / "s", **plan)
    trained = model.load(untrained)
    for pixels, label, (_, row) in zip(
        images.pixels, images.labels, images.rows.iterrows(), strict=True
    ):
        assert row["origin"] == "synthetic"
        assert (row["split"], row["method"], row["generator"]) == ("train", "gan", trained.hash)
        assert row["requested_label"] == label
        indices = range(row["index"], row["index"] + 1)
        again = trained.draw(int(label), indices, row["seed"], row["truncation"])
        np.testing.assert_array_equal(again[0], pixels)


@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize("gates", [[], ["copies", "repeats"]])
def test_the_same_rows_whatever_the_block(
    gates: list[str], digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"plan": {"classes": {"0": 30, "3": 30}}, "gates": gates, "max_tries": 100}
    one = generate(digits, tmp_path, tmp_path / "one", **settings)
    monkeypatch.setattr(sampler, "BLOCK", 16)
    two = generate(digits, tmp_path, tmp_path / "two", **settings)
    exact = ["id", "index", "nearest_id"]
    pd.testing.assert_frame_equal(one.rows[exact], two.rows[exact])
    seen = ["weight", "nearest_distance"]
    pd.testing.assert_frame_equal(one.rows[seen], two.rows[seen], atol=1e-5)


@pytest.mark.usefixtures("perfect")
def test_rows_carry_what_the_gates_saw(digits: Path, tmp_path: Path) -> None:
    gates = ["agreement", "rejection", "support", "copies", "repeats"]
    images = generate(digits, tmp_path, tmp_path / "s", plan={"per_class": 5}, gates=gates)
    rows, real = images.rows, table.read(digits, "train")
    assert all(list(json.loads(scores)) == gates for scores in rows["gates"])
    soft = np.stack(rows["soft_labels"])
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    np.testing.assert_allclose(rows["weight"], soft[np.arange(len(soft)), images.labels])
    assert (soft.argmax(axis=1) == images.labels).mean() > 0.9
    ids = real.rows["id"].tolist()
    nearest = [real.labels[ids.index(identity)] for identity in rows["nearest_id"]]
    assert nearest == images.labels.tolist()
    tally = report(tmp_path / "s", "gates.csv").set_index(["class", "gate"])
    for name in "0123456789":
        assert tally.loc[(name, "all"), "accepted"] == tally.loc[(name, "repeats"), "accepted"]
        assert 5 <= tally.loc[(name, "all"), "accepted"] < tally.loc[(name, "all"), "tried"]


@pytest.mark.usefixtures("perfect")
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second of two draws, in the fifth class."""
    monkeypatch.setattr(sampler, "BLOCK", 16)
    gates = ["copies", "repeats"]
    settings = {"plan": {"per_class": 12}, "gates": gates, "max_tries": 100, "sets": 2}
    generate(digits, tmp_path, tmp_path / "whole", **settings)

    look = stage.Evidence.candidates

    def interrupted(evidence, label, seed, indices, pixels):
        if label == 4 and seed == seed_of_set(0, 1):
            raise KeyboardInterrupt
        return look(evidence, label, seed, indices, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(stage.Evidence, "candidates", interrupted)
        with pytest.raises(KeyboardInterrupt):
            generate(digits, tmp_path, tmp_path / "killed", **settings)
    assert not (tmp_path / "killed").exists()
    assert not places(tmp_path / "killed")["draws"].exists()
    kept = set((tmp_path / "killed-scratch").rglob("*.parquet"))
    assert any(file.match("set-001/class-003*") for file in kept)

    made: set[Path] = set()
    encode = sampler.Sampler._encode

    def noted(self, file, *rest):
        made.add(file)
        return encode(self, file, *rest)

    monkeypatch.setattr(sampler.Sampler, "_encode", noted)
    generate(digits, tmp_path, tmp_path / "killed", **settings)
    assert made
    assert not made & kept
    for target in ("synthetic", "draws"):
        both = (table.shards(places(tmp_path / name)[target]) for name in ("whole", "killed"))
        for first, second in zip(*both, strict=True):
            assert first.read_bytes() == second.read_bytes()
    for name in ("gates.csv", "fidelity.json", "memorisation.json", "closest.png"):
        whole, killed = (places(tmp_path / n)["report"] / name for n in ("whole", "killed"))
        assert whole.read_bytes() == killed.read_bytes()


def test_gates_that_know_nothing_say_so(
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Images are blurred until no class can be told: nearly all pass, and the user is told."""
    draw, rows = np.random.default_rng(0), []
    classes = table.class_names(digits)
    for split in ("train", "validation"):
        labels = table.read(digits, split).labels
        levels = draw.integers(100, 156, (len(labels), 1, 1, 1))
        blurs = (levels + draw.integers(0, 4, (len(labels), 1, 8, 8))).astype(np.uint8)
        rows.append(table.encode(blurs, labels, classes, split=split, origin="real"))
    table.write(tmp_path / "real", rows, classes)
    seen = generator_of(table.read(tmp_path / "real", "validation"))
    monkeypatch.setattr(model, "load", lambda _: seen)
    plan = {"plan": {"classes": {"3": 20}}, "gates": ["agreement", "copies"]}
    generate(tmp_path / "real", tmp_path, tmp_path / "s", **plan)
    gates = report(tmp_path / "s", "gates.csv").set_index("gate")
    assert gates.loc["agreement", "rate"] > 0.8
    assert gates.loc["agreement", "warning"].startswith("blind: the gates' classifiers cannot tell")
    assert gates.loc["agreement", "accuracy"] < 0.2
    assert gates.loc["agreement", "chance"] == 0.1
    assert gates.loc[["copies", "all"], "warning"].isna().all()
    printed = capsys.readouterr().out
    assert "generate: warning: the gate agreement is blind in 3: the gates' class" in printed
    assert "generate: the gates' classifiers: balanced accuracy 0." in printed


@pytest.mark.usefixtures("perfect")
def test_gates_look_through_another_backbone_than_the_one_that_judges(
    digits: Path, features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"plan": {"classes": {"3": 9}}, "gates": ["agreement", "copies"], "keep_real": 1.0}
    made = generate(digits, tmp_path, tmp_path / "s", features=features, space="pixels", **settings)
    assert made.space is None
    printed = capsys.readouterr().out
    assert "gates look through efficientnet-lite1, since efficientnet-lite0 judges" in printed
    gates = report(tmp_path / "s", "gates.csv").set_index("gate")
    assert "features of efficientnet-lite1 (" in gates.loc["agreement", "judge"]
    assert gates.loc["agreement", "accuracy"] > 0.3


@pytest.mark.usefixtures("perfect")
def test_without_another_backbone_gates_learn_from_pixels(
    digits: Path,
    features: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(backbones, "at_hand", lambda name: name == "efficientnet-lite0")
    settings = {"plan": {"classes": {"3": 9}}, "gates": ["agreement"], "space": "pixels"}
    generate(digits, tmp_path, tmp_path / "s", features=features, **settings)
    assert "pip install 'gan-augment[backbones]'" in capsys.readouterr().out
    gates = report(tmp_path / "s", "gates.csv").set_index("gate")
    assert gates.loc["agreement", "judge"] == "the gates' classifiers"


def test_a_class_that_the_gates_reject_stops_early_or_falls_back(
    digits: Path, splits: dict[str, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator shows ones where threes are asked for."""
    test = splits["test"]
    labels = np.where(test.labels == 1, 3, np.where(test.labels == 3, 1, test.labels))
    wrong = Images(test.pixels, labels, test.classes, test.rows)
    monkeypatch.setattr(model, "load", lambda _: generator_of(wrong))
    settings = {"plan": {"classes": {"0": 9, "3": 9}}, "gates": ["agreement"]}
    told = r"of 256 images of class '3' .* fewer than one in 20 .* strictest is agreement"
    with pytest.raises(UserError, match=told):
        generate(digits, tmp_path, tmp_path / "s", **settings)
    assert not (tmp_path / "s").exists()
    images = generate(digits, tmp_path, tmp_path / "s", fallback="smote", **settings)
    assert images.counts()[[0, 3]].tolist() == [9, 9]
    methods = images.rows["method"].groupby(images.labels).unique()
    assert methods[0].tolist() == ["gan"]
    assert "smote" in methods[3]


def test_what_passed_before_a_class_was_given_up_is_kept_on_any_number_of_cores(
    digits: Path, splits: dict[str, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the images of class 3 two thirds are ones."""
    test = splits["test"]
    labels = test.labels.copy()
    threes, ones = (np.flatnonzero(labels == label) for label in (3, 1))
    labels[threes[::2]], labels[ones] = 1, 3
    mixed = Images(test.pixels, labels, test.classes, test.rows)
    monkeypatch.setattr(model, "load", lambda _: generator_of(mixed))
    monkeypatch.setattr(sampler, "BLOCK", 16)
    settings = {"plan": {"classes": {"3": 200}}, "gates": ["agreement"], "max_tries": 2}
    made = []
    for cores in (1, 8):
        monkeypatch.setattr(local, "cores", lambda cores=cores: cores)
        target = tmp_path / str(cores)
        made.append(generate(digits, tmp_path, target, fallback="oversample", **settings))
        accepted = report(target, "gates.csv").set_index("gate").loc["all", "accepted"]
        assert 0 < accepted == (made[-1].rows["method"] == "gan").sum() < 200
    pd.testing.assert_frame_equal(*(images.rows for images in made))


@pytest.mark.parametrize(
    ("gate", "advice"),
    [
        ("copies", r"\(0\.0%\)\. Train for fewer steps, leave"),
        (
            "repeats",
            r"much alike: train longer if scores .* reports/training, else for fewer steps",
        ),
    ],
)
def test_where_images_are_alike_the_advice_depends_on_what_they_are_like(
    digits: Path,
    splits: dict[str, Images],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gate: str,
    advice: str,
) -> None:
    """The generator makes one image of the training set, again and again."""
    train = splits["train"]
    one = train.pixels[train.labels == 3][:1]
    made = generator_of(train, lambda pixels: np.repeat(one, len(pixels), axis=0))
    monkeypatch.setattr(model, "load", lambda _: made)
    with pytest.raises(UserError, match=advice):
        generate(digits, tmp_path, tmp_path / "s", plan={"classes": {"3": 40}}, gates=[gate])


@pytest.mark.usefixtures("perfect")
def test_a_fallback_for_a_class_with_a_single_image_does_not_stop_the_gates(
    splits: dict[str, Images], tmp_path: Path
) -> None:
    train, classes = splits["train"], splits["train"].classes
    kept = (train.labels != 5) | (np.cumsum(train.labels == 5) == 1)
    rows = [
        table.encode(part.pixels[some], part.labels[some], classes, split=split, origin="real")
        for split, part, some in (
            ("train", train, kept),
            ("validation", splits["validation"], slice(None)),
        )
    ]
    table.write(tmp_path / "real", rows, classes)
    settings = {"plan": {"classes": {"0": 4, "5": 4}}, "fallback": "smote"}
    gates = ["agreement", "support", "copies", "repeats"]
    images = generate(tmp_path / "real", tmp_path, tmp_path / "s", gates=gates, **settings)
    methods = images.rows["method"].groupby(images.labels).unique()
    assert {label: found.tolist() for label, found in methods.items()} == {0: ["gan"], 5: ["smote"]}


@pytest.mark.parametrize("method", ["gmm", "smote", "oversample", "placebo"])
def test_simpler_methods_come_through_the_same_door(
    method: str, digits: Path, tmp_path: Path
) -> None:
    """No model is there, and none is asked for."""
    images = generate(digits, tmp_path / "none", tmp_path / "s", method=method)
    total = images.counts() + table.read(digits, "train").counts()
    assert np.ptp(total) == 0
    assert set(images.rows["method"]) == {method}
    assert images.rows["generator"].isna().all()
    plan = report(tmp_path / "s", "plan.csv")
    assert plan["images"].sum() == len(images)
    assert set(plan["method"]) == {method}
    nothing = {"passed": None, "reasons": ["no generator was used"], "images": 0}
    assert verdict(tmp_path / "s") == nothing


def test_a_perfect_generator_is_told_from_one_that_copies(
    digits: Path, splits: dict[str, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"plan": {"per_class": 40}}
    monkeypatch.setattr(model, "load", lambda _: generator_of(splits["test"]))
    generate(digits, tmp_path, tmp_path / "good", **plan)
    assert verdict(tmp_path / "good")["passed"] is True

    shifted = generator_of(splits["train"], lambda pixels: np.roll(pixels, 1, axis=2))
    monkeypatch.setattr(model, "load", lambda _: shifted)
    generate(digits, tmp_path, tmp_path / "bad", **plan)
    bad = verdict(tmp_path / "bad")
    assert bad["passed"] is False
    assert "near copies of training images" in bad["reasons"][0]
    with Image.open(places(tmp_path / "bad")["report"] / "closest.png") as pairs:
        assert pairs.width > 600


@pytest.mark.usefixtures("perfect")
def test_fidelity_is_measured_against_what_real_images_get(digits: Path, tmp_path: Path) -> None:
    generate(digits, tmp_path, tmp_path / "s", plan={"per_class": 40})
    found = verdict(tmp_path / "s", "fidelity")
    assert set(found["classes"]) == set("0123456789")
    for space in ("network", "pixels"):
        kid = found["overall"][space]["kid"]
        assert kid["low"] < kid["value"] < kid["high"]
        assert kid["low"] < kid["real"] + 0.05
        assert found["overall"][space]["precision"]["value"] > 0.8
    assert found["overall"]["images"] == sum(
        found["classes"][name]["images"] for name in found["classes"]
    )


def test_a_generator_of_other_classes_is_refused(
    untrained: Path, tmp_path: Path, splits: dict[str, Images]
) -> None:
    other = tuple("abcdefghij")
    rows = [
        table.encode(part.pixels, part.labels, other, split=split, origin="real")
        for split, part in splits.items()
    ]
    table.write(tmp_path / "real", rows, other)
    with pytest.raises(UserError, match="trained on the classes 0, 1, .* but .* have a, b"):
        generate(tmp_path / "real", untrained, tmp_path / "s")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"gates": ["agrement"]}, "generate.gates = 'agrement': did you mean 'agreement'"),
        ({"method": "gam"}, "generate.method = 'gam': did you mean"),
        ({"fallback": "gan"}, "generate.fallback = 'gan'"),
    ],
)
def test_names_that_do_not_exist(
    values: dict[str, object], told: str, digits: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told):
        generate(digits, tmp_path, tmp_path / "s", **values)
