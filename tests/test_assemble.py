import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from gan_augment import load, table
from gan_augment.assemble import stage
from gan_augment.assemble.card import card
from gan_augment.decision import Decision
from gan_augment.errors import UserError
from gan_augment.params import AssembleParams
from gan_augment.storage import read_json
from gan_augment.synthesis import baselines
from gan_augment.synthesis.trace import find, remake
from tests.markdown import shown
from tests.recipes import recipe

AFFINE = {"policy": "gentle-affine", "flip": True, "degrees": 8.0}
CLASSIC = recipe(validation=0.85, k_nn={"again": 1.0, "classic": AFFINE})


@pytest.fixture
def inputs(tmp_path: Path, digits: Path) -> dict[str, Path]:
    train = table.read(digits, "train")
    rows = table.encode(
        255 - train.pixels[:9],
        train.labels[:9],
        train.classes,
        split="train",
        origin="synthetic",
        generator="f" * 16,
        seed=0,
        index=list(range(9)),
    )
    table.write(tmp_path / "synthetic", [rows], train.classes)
    (tmp_path / "memorisation.json").write_text('{"passed": true, "reasons": []}')
    return {
        "real": digits,
        "synthetic": tmp_path / "synthetic",
        "memorisation": tmp_path / "memorisation.json",
        "verdict": tmp_path / "verdict.json",
    }


def assemble(
    inputs: dict[str, Path],
    word: str,
    require: str,
    target: Path,
    method: str = "auto",
    **lifts: bool,
) -> table.Images:
    """Assemble after a verdict on the GAN, and on simpler methods; the last does best."""
    provenance = {
        "real images": table.table_hash(inputs["real"]),
        "synthetic images": table.table_hash(inputs["synthetic"]),
    }
    overall = {"verdict": word, "sentence": "gan does what it does."}
    recipes = {"real": recipe(validation=0.8, beats_real=False), "classic": CLASSIC}
    if word != "nothing made":
        recipes["gan"] = recipe(["gan"], 0.9)
    for number, (name, beats) in enumerate(lifts.items()):
        arm = name.replace("_", "+")
        recipes[arm] = recipe(arm.split("+"), 0.91 + number / 100, beats)
    gan_arms = [arm for arm, found in recipes.items() if "gan" in found["methods"]]
    overall["gan_arm"] = gan_arms[-1] if gan_arms else None  # does best on validation
    found = {
        "overall": overall,
        "recipes": recipes,
        "planned": dict.fromkeys("0123456789", 5),
        "provenance": provenance,
    }
    inputs["verdict"].write_text(json.dumps(found))
    params = AssembleParams.model_validate({"require": require, "method": method})
    stage.run(params, inputs, {"augmented": target})
    return table.read(target)


@pytest.mark.parametrize(
    ("word", "require", "ships"),
    [
        ("helps", "helps", True),
        ("level", "helps", False),
        ("helps", "level", True),
        ("level", "level", True),
        ("undecided", "level", False),
        ("harms", "level", False),
        ("harms", "none", True),
    ],
)
def test_only_what_the_verdict_allows_is_shipped(
    word: str, require: str, ships: bool, inputs: dict[str, Path], tmp_path: Path
) -> None:
    images = assemble(inputs, word, require, tmp_path / "augmented")
    assert (images.rows["origin"] == "synthetic").sum() == (9 if ships else 0)
    assert set(images.rows[images.rows["origin"] == "synthetic"]["split"]) <= {"train"}
    card = (tmp_path / "augmented" / "README.md").read_text()
    assert f"**Verdict: {word}.** gan does what it does." in card
    assert ("train, synthetic" in card) == ships
    told = read_json(tmp_path / "augmented" / "verdict.json")
    assert told["overall"]["verdict"] == word
    assert told["ships"]["method"] == ("gan" if ships else None)
    assert (told["ships"]["refusals"] == []) == ships
    assert told["recipe"]["arm"] == ("gan" if ships else "classic")
    assert told["recipe"]["rows"] == (["real", "gan"] if ships else ["real"])
    assert sum(told["counts"]["train"].get("synthetic", {}).values()) == (9 if ships else 0)


def test_a_verdict_of_before_there_were_recipes_ships_what_its_word_allows(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    assemble(inputs, "level", "level", tmp_path / "with")
    verdict = read_json(inputs["verdict"])
    del verdict["recipes"]
    inputs["verdict"].write_text(json.dumps(verdict))
    params = AssembleParams.model_validate({"require": "level"})
    stage.run(params, inputs, {"augmented": tmp_path / "augmented"})
    assert (table.read(tmp_path / "augmented").rows["origin"] == "synthetic").sum() == 9
    card = (tmp_path / "augmented" / "README.md").read_text()
    assert "**Verdict: level.**" in card
    assert "## Recipe" not in card
    assert "recipe" not in read_json(tmp_path / "augmented" / "verdict.json")
    with pytest.raises(UserError, match="names no recipe: it is of an older version"):
        _ = load(tmp_path / "augmented").recipe


def test_where_nothing_was_made_real_images_ship(
    inputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs["memorisation"].write_text(
        '{"passed": null, "reasons": ["no synthetic image was made"]}'
    )
    images = assemble(inputs, "nothing made", "none", tmp_path / "augmented")
    assert set(images.rows["origin"]) == {"real"}
    said = "Real images, as classic: no synthetic image was made."
    assert said in capsys.readouterr().out
    assert "**Verdict: nothing made.**" in (tmp_path / "augmented" / "README.md").read_text()


@pytest.mark.parametrize("passed", ["false", "null"])
def test_copies_never_ship_whatever_the_verdict(
    passed: str, inputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Null is not known: too few images to say."""
    why = "9.0% are near copies"
    inputs["memorisation"].write_text(f'{{"passed": {passed}, "reasons": ["{why}"]}}')
    images = assemble(inputs, "helps", "none", tmp_path / "augmented")
    refused = passed == "false"
    assert (images.rows["origin"] == "synthetic").any() != refused
    for text in (capsys.readouterr().out, (tmp_path / "augmented" / "README.md").read_text()):
        assert (f"the generator copies: {why}" in text) == refused
        known = f"as gan (whether the generator copies was not judged: {why})." not in text
        assert known == refused


def test_where_no_generator_was_used_nobody_asks_whether_it_copies(
    inputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    why = '["no generator was used"]'
    inputs["memorisation"].write_text(f'{{"passed": null, "reasons": {why}, "images": 0}}')
    images = assemble(inputs, "helps", "none", tmp_path / "augmented")
    assert (images.rows["origin"] == "synthetic").any()
    for text in (capsys.readouterr().out, (tmp_path / "augmented" / "README.md").read_text()):
        assert "Real images, and synthetic ones by gan, as gan." in text


def test_the_method_that_validation_prefers_is_shipped(
    inputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many images of each class as in data/synthetic; a GAN that copies is no obstacle."""
    inputs["memorisation"].write_text('{"passed": false, "reasons": ["copies"]}')
    images = assemble(inputs, "harms", "level", tmp_path / "augmented", smote=True)
    synthetic = images.rows["origin"] == "synthetic"
    wanted = table.read(inputs["synthetic"]).counts()
    assert np.bincount(images.labels[synthetic], minlength=10).tolist() == wanted.tolist()
    assert set(images.rows["method"][synthetic]) == {"smote"}
    for text in (capsys.readouterr().out, (tmp_path / "augmented" / "README.md").read_text()):
        assert "Real images, and synthetic ones by smote, as smote." in text
    assert "(balanced accuracy on validation, %: smote 91.0, gan 90.0, classic 85.0" in text
    row = table.read(tmp_path / "augmented").rows[synthetic.to_numpy()].iloc[-1]
    pixels, columns = find(tmp_path / "augmented", row["id"])
    assert (remake(columns, tmp_path / "augmented", inputs["real"]) == pixels).all()


def test_a_method_is_fitted_once_for_all_classes(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[np.ndarray] = []

    def smote(real: table.Images, extra: np.ndarray, seed: int) -> table.Images:
        asked.append(extra)
        return baselines.smote(real, extra, seed)

    monkeypatch.setitem(baselines.BASELINES, "smote", smote)
    assemble(inputs, "harms", "level", tmp_path / "augmented", smote=True)
    (extra,) = asked
    np.testing.assert_array_equal(extra, table.read(inputs["synthetic"]).counts())


def test_two_methods_ship_half_of_each_class(inputs: dict[str, Path], tmp_path: Path) -> None:
    images = assemble(inputs, "helps", "level", tmp_path / "augmented", "gan+gmm", gan_gmm=True)
    synthetic = (images.rows["origin"] == "synthetic").to_numpy()
    methods = images.rows["method"].fillna("gan").to_numpy()
    wanted = table.read(inputs["synthetic"]).counts()
    by_method = {
        method: np.bincount(images.labels[synthetic & (methods == method)], minlength=10)
        for method in ("gan", "gmm")
    }
    np.testing.assert_array_equal(by_method["gan"], (wanted + 1) // 2)
    np.testing.assert_array_equal(by_method["gmm"], wanted // 2)
    inputs["memorisation"].write_text('{"passed": false, "reasons": ["copies"]}')
    images = assemble(inputs, "helps", "level", tmp_path / "augmented", "gan+gmm", gan_gmm=True)
    assert set(images.rows["origin"]) == {"real"}


@pytest.mark.parametrize(
    ("method", "lifts", "require", "refusal"),
    [
        ("auto", {"gmm": False}, "level", "gmm does not surely beat real images alone"),
        ("smote", {"gmm": True}, "level", "no arm of evaluate.arms has images of smote alone"),
        ("gan", {"gmm": True}, "level", "the verdict is 'undecided'"),
        ("gan", {"gan_gmm": True}, "level", "the verdict is about gan+gmm, not gan, and assemble."),
        ("gan", {"gan_gmm": True}, "undecided", None),
        ("gan", {"gan_gmm": True}, "none", None),
        ("gmm", {"gmm": False}, "none", None),
        ("auto", {"gmm": True}, "helps", None),
    ],
)
def test_a_method_must_have_earned_it(
    method: str,
    lifts: dict[str, bool],
    require: str,
    refusal: str | None,
    inputs: dict[str, Path],
    tmp_path: Path,
) -> None:
    target = tmp_path / "augmented"
    images = assemble(inputs, "undecided", require, target, method, **lifts)
    assert (images.rows["origin"] == "synthetic").any() == (refusal is None)
    if refusal:
        assert refusal in (target / "README.md").read_text()


def test_real_rows_are_unchanged(inputs: dict[str, Path], tmp_path: Path) -> None:
    assemble(inputs, "helps", "level", tmp_path / "augmented")
    for split in ("validation", "test"):
        name = f"{split}-00000.parquet"
        before, after = inputs["real"] / name, tmp_path / "augmented" / name
        assert before.read_bytes() == after.read_bytes()
    before, after = (
        table.read(path, "train").rows for path in (inputs["real"], tmp_path / "augmented")
    )
    assert after["id"].tolist()[: len(before)] == before["id"].tolist()


def test_bits_of_grey_and_fit_travel_with_the_images(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    real = tmp_path / "real"
    table.write(
        real, table.scan(inputs["real"]), table.class_names(inputs["real"]), bits=12, fit="crop"
    )
    assemble({**inputs, "real": real}, "helps", "level", tmp_path / "augmented")
    assert table.bits(tmp_path / "augmented") == 12
    assert table.fit(tmp_path / "augmented") == "crop"


def test_hugging_face_datasets_reads_it_by_its_card(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    hf = pytest.importorskip("datasets")
    assemble(inputs, "level", "level", tmp_path / "augmented")
    loaded = hf.load_dataset(str(tmp_path / "augmented"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == set(table.SPLITS)
    assert loaded["train"][-1]["origin"] == "synthetic"
    header = (tmp_path / "augmented" / "README.md").read_text().split("---")[1]
    assert yaml.safe_load(header)["tags"] == ["gan-augment", "synthetic"]


def test_the_card_shows_names_and_reasons_as_they_are() -> None:
    classes = ["a|b", "*c*", "<b>d</b>", "e_f", r"g\h", "[i](j)"]
    decision = Decision("gan", ("gan",), "real", ["class a|b: `copies` of <img>"], [])
    verdict = {
        "overall": {"verdict": "no gain", "sentence": "a|b and *c* & co."},
        "recipes": {"real": recipe(), "gan": recipe(["gan"])},
        "planned": {},
        "provenance": {},
    }
    counts = {("train", "real", label): label for label in range(6)}
    seen = shown(card(verdict, decision, counts, classes).split("---\n", 2)[2])
    start = seen.index("class")
    assert seen[start : start + 2] == ["class", "train, real"]
    assert seen[start + 2 : start + 14 : 2] == classes
    assert seen[start + 3 : start + 14 : 2] == list("012345")
    assert "Verdict: no gain.<strong_close> a|b and *c* & co." in seen[1]
    assert "class a|b: `copies` of <img>." in seen[2]


def test_where_synthetic_images_do_not_ship_the_best_recipe_without_them_does(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assemble(inputs, "undecided", "level", tmp_path / "data" / "augmented")
    card = (tmp_path / "data" / "augmented" / "README.md").read_text()
    assert "Real images, as classic: on validation gan is better, but the verdict is" in card
    assert (
        "classic: real images only, classes evened out by repeating real ones, all transformed "
        "(gentle-affine). Balanced accuracy 91.0 % (90.0 to 92.0), +1.0 points" in card
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code(card), names)
    images, labels = next(iter(names["batches"]))
    assert images.shape == (64, 1, 8, 8)
    assert images.dtype == torch.float32
    assert labels.shape == (64,)
    data = names["data"]
    assert data.recipe.methods == ()
    assert repr(data.recipe.transform()) == repr(names["transform"])
    epoch = np.bincount(data.labels, names["train"].sampler().times)
    np.testing.assert_allclose(epoch, np.bincount(data.labels) + 5)  # as the plan wants


def code(card: str) -> str:
    """Return the Python of a card."""
    return card.partition("```python\n")[2].partition("```")[0]


def test_a_verdict_about_other_data_is_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    assemble(inputs, "helps", "level", tmp_path / "augmented")
    before = table.table_hash(tmp_path / "augmented")
    inputs["synthetic"] = inputs["real"]
    with pytest.raises(UserError, match="about other images than .*: run `dvc repro`"):
        stage.run(AssembleParams(), inputs, {"augmented": tmp_path / "augmented"})
    assert table.table_hash(tmp_path / "augmented") == before


def test_the_card_names_the_classifier(inputs: dict[str, Path], tmp_path: Path) -> None:
    assemble(inputs, "helps", "helps", tmp_path / "augmented")
    card = (tmp_path / "augmented" / "README.md").read_text()
    assert 'load_classifier("models/classifier").predict([Image.open("photograph.jpg")])' in card
