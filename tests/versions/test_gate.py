import json
from pathlib import Path

import pytest
import yaml

from gan_augment.errors import UserError
from gan_augment.versions import gate
from tests.projects import ROOT
from tests.recipes import recipe

PASSED = {"passed": True, "reasons": []}


def write(
    root: Path,
    verdict: str,
    memorisation: object = PASSED,
    require: str = "level",
    method: str = "gan",
    made_by: str = "gan",
) -> Path:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["assemble"]["require"] = require
    params["generate"]["method"] = made_by
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    (root / "reports/synthesis").mkdir(parents=True)
    made = {method: recipe([method], 0.9, verdict != "harms")}
    if method == "classic":
        made = {method: recipe([], 0.9, verdict != "harms")}
    recipes = {"real": recipe(validation=0.8), **({} if verdict == "nothing made" else made)}
    content = {"overall": {"verdict": verdict}, "recipes": recipes}
    (root / "reports/verdict.json").write_text(json.dumps(content))
    if memorisation is not None:
        (root / gate.MEMORISATION).write_text(json.dumps(memorisation))
    return root


@pytest.mark.parametrize(
    ("verdict", "require", "passes"),
    [
        ("helps", "helps", True),
        ("level", "helps", False),
        ("level", "level", True),
        ("undecided", "level", False),
        ("harms", "level", False),
        ("harms", "none", True),
    ],
)
def test_the_verdict_must_suffice(tmp_path: Path, verdict: str, require: str, passes: bool) -> None:
    reasons = gate.refusals(write(tmp_path, verdict, require=require), None)
    assert (reasons == []) == passes
    if not passes:
        assert reasons[0].startswith(f"the verdict is '{verdict}', and assemble.require")


def test_an_override_is_for_the_verdict_alone(tmp_path: Path) -> None:
    failed = {"passed": False, "reasons": ["12 of 900 images are copies", "C_T = -4.1"]}
    root = write(tmp_path, "harms", failed)
    assert len(gate.refusals(root, None)) == 2
    assert gate.refusals(root, "for a demonstration") == [
        "the memorisation check failed: 12 of 900 images are copies; C_T = -4.1"
    ]


def test_where_nothing_was_made_only_an_override_publishes_real_images(tmp_path: Path) -> None:
    nothing = {"passed": None, "reasons": ["no synthetic image was made"]}
    root = write(tmp_path, "nothing made", nothing, require="none")
    assert gate.refusals(root, None) == ["no synthetic image was made"]
    assert gate.refusals(root, "real images for now") == []


@pytest.mark.parametrize("outcome", [{}, {"passed": "yes"}, {"passed": 1}, {"passed": None}])
def test_only_a_plain_pass_passes(tmp_path: Path, outcome: object) -> None:
    assert gate.refusals(write(tmp_path, "helps", outcome), None)


def test_a_gate_that_was_not_run_refuses_unless_there_is_no_generator(tmp_path: Path) -> None:
    for name in ("gan", "gmm", "made", "weak"):
        (tmp_path / name).mkdir()
    reasons = gate.refusals(write(tmp_path / "gan", "helps", None), "but")
    assert reasons == [
        "the memorisation check was not run: reports/synthesis/memorisation.json is missing"
    ]
    assert gate.refusals(write(tmp_path / "gmm", "undecided", None, method="gmm"), None) == []
    assert gate.refusals(write(tmp_path / "made", "helps", None, made_by="gmm"), None) == []
    weak = gate.refusals(write(tmp_path / "weak", "harms", None, method="gmm"), None)
    assert weak == ["gmm does not surely beat real images alone"]


@pytest.mark.parametrize("override", [None, "to look at"])
@pytest.mark.parametrize("published", [gate.GENERATOR, *gate.MADE])
def test_no_generator_that_copies_is_published_whatever_the_recipe_uses(
    tmp_path: Path, override: str | None, published: str
) -> None:
    failed = {"passed": False, "reasons": ["12 of 900 images are copies"]}
    root = write(tmp_path, "no gain", failed, method="oversample")
    said = ["the memorisation check failed: 12 of 900 images are copies"]
    assert gate.refusals(root, override, ["data/augmented", published]) == said
    assert gate.refusals(root, override, ["data/augmented"]) == []
    (root / gate.MEMORISATION).unlink()
    (said,) = gate.refusals(root, override, [published])
    assert said.startswith("the memorisation check was not run: ")
    (root / gate.MEMORISATION).write_text(json.dumps(PASSED))
    assert gate.refusals(root, override, [published]) == []


def test_a_check_of_the_images_of_another_method_says_nothing_of_the_generator(
    tmp_path: Path,
) -> None:
    root = write(tmp_path, "no gain", PASSED, method="oversample", made_by="gmm")
    assert gate.refusals(root, "but", [gate.GENERATOR]) == [
        "the memorisation check was not run on the generator: the images that it looked at are of "
        "generate.method = 'gmm'"
    ]
    assert gate.refusals(root, None, sorted(gate.MADE)) == []


def test_a_recipe_without_synthetic_images_must_beat_real_images(tmp_path: Path) -> None:
    for name in ("good", "idle", "none"):
        (tmp_path / name).mkdir()
    good = write(tmp_path / "good", "no gain", None, method="classic")
    assert gate.refusals(good, None) == []
    idle = write(tmp_path / "idle", "harms", None, method="classic")
    assert gate.refusals(idle, None) == [
        "Real images only: classic, on validation the best recipe, needs no others. It does not "
        "surely beat real images as they are"
    ]
    assert gate.refusals(idle, "with the recipe") == []
    asked = write(tmp_path / "none", "harms", None, method="classic", require="none")
    assert gate.refusals(asked, None) == []


def test_without_a_verdict_there_is_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"verdict\.json is missing"):
        gate.refusals(tmp_path, None)


@pytest.mark.parametrize(("memorisation", "passes"), [(PASSED, True), (None, False)])
def test_a_verdict_of_an_earlier_version_is_about_the_images_of_the_gan(
    tmp_path: Path, memorisation: object, passes: bool
) -> None:
    root = write(tmp_path, "helps", memorisation)
    (root / "reports/verdict.json").write_text(json.dumps({"overall": {"verdict": "helps"}}))
    assert (gate.refusals(root, None) == []) == passes
    (root / "reports/verdict.json").write_text(json.dumps({"overall": {"verdict": "harms"}}))
    assert gate.refusals(root, None)[0].startswith("the verdict is 'harms'")
