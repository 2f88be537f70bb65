from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.params import GenerateParams, Plan
from gan_augment.synthesis import plan

REAL = np.array([100, 60, 8])
CLASSES = ("cat", "dog", "eel")


def params(written: object, min_real: int = 2) -> GenerateParams:
    return GenerateParams.model_validate({"plan": written, "min_real": min_real})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("auto", [0, 40, 92]),
        ("fill", [0, 40, 92]),
        ({"fill": 1}, [0, 40, 92]),
        ({"fill": 1.255}, [26, 66, 118]),
        ({"ratio": 0.5}, [50, 30, 4]),
        ({"ratio": 2}, [200, 120, 16]),
        ({"ratio": 1.1}, [110, 66, 9]),
        ({"fill": 1.1}, [10, 50, 102]),
        ({"per_class": 4}, [4, 4, 4]),
        ({"classes": {"eel": 7, "dog": 0}}, [0, 0, 7]),
    ],
)
def test_counts(written: object, expected: list[int]) -> None:
    assert plan.wanted(Plan.model_validate(written), REAL, CLASSES).tolist() == expected


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        ([20, 20], [20, 20]),
        ([100, 51], [100, 149]),  # filling up would add 49 to 151
        ([100, 50], [100, 150]),  # a third
        ([100, 33], [0, 67]),  # half
        ([3], [3]),
    ],
)
def test_auto_fills_up_or_doubles_where_there_is_little_to_fill(
    real: list[int], expected: list[int]
) -> None:
    auto = Plan.model_validate("auto")
    assert plan.wanted(auto, np.array(real), "ab"[: len(real)]).tolist() == expected


def test_a_plan_that_wants_nothing_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    pixels = np.zeros((6, 1, 2, 2), np.uint8)
    rows = table.encode(pixels, np.arange(6) % 3, CLASSES, split="train", origin="real")
    table.write(tmp_path / "real", [rows], CLASSES)
    for written, why in (("fill", "all classes have 2 real"), ({"classes": {"eel": 0}}, "it says")):
        with pytest.raises(UserError, match=f"wants no .*: {why}.* Write `plan: auto`, or") as no:
            plan.check(params(written), tmp_path / "real")
        assert "No generator was trained" in str(no.value)
    for written in ("auto", {"fill": 2}, {"classes": {"eel": 1}}):
        plan.check(params(written), tmp_path / "real")
    with pytest.raises(UserError, match=r"min_real = 3 real training images of eel \(2\)"):
        plan.check(params({"classes": {"eel": 1}}, min_real=3), tmp_path / "real")


def test_a_plan_that_wants_little_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, counts in (("even", [9, 8, 9]), ("uneven", [9, 2, 2])):
        labels = np.repeat(np.arange(3), counts)
        pixels = np.zeros((len(labels), 1, 2, 2), np.uint8)
        rows = table.encode(pixels, labels, CLASSES, split="train", origin="real")
        table.write(tmp_path / name, [rows], CLASSES)
    plan.check(params("fill"), tmp_path / "even")
    said = (
        "generate.plan = fill wants 1 synthetic images for 26 real ones; `plan: auto` would want 28"
    )
    assert said in capsys.readouterr().out
    plan.check(params("auto"), tmp_path / "even")
    plan.check(params("fill"), tmp_path / "uneven")
    assert capsys.readouterr().out == ""


def test_a_class_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="no class 'dgo'; did you mean 'dog'"):
        plan.wanted(Plan.model_validate({"classes": {"dgo": 1}}), REAL, CLASSES)


@pytest.mark.parametrize(
    "written", ["full", {"fill": 0.9}, {"classes": {"cat": -1}}, {"classes": {}, "ratio": 1}]
)
def test_what_is_no_plan(written: object) -> None:
    with pytest.raises(ValueError, match=r"must be auto|greater than or equal to 0"):
        Plan.model_validate(written)


def test_a_class_with_few_real_images_is_refused_or_made_by_the_fallback() -> None:
    counts = np.array([0, 40, 92])
    with pytest.raises(
        UserError, match=r"fewer than .*min_real = 10 real .* of eel \(8\): .*smote"
    ):
        plan.methods(GenerateParams(), counts, REAL, CLASSES)
    mixed = plan.methods(GenerateParams(fallback="smote"), counts, REAL, CLASSES)
    assert mixed == ["gan", "gan", "smote"]
    assert plan.methods(GenerateParams(), np.array([0, 40, 0]), REAL, CLASSES) == ["gan"] * 3
    assert plan.methods(GenerateParams(method="gmm"), counts, REAL, CLASSES) == ["gmm"] * 3


def test_the_plan_is_printed() -> None:
    lines = plan.shown(np.array([0, 40, 92]), REAL, ["gan", "gan", "smote"], CLASSES).splitlines()
    assert [line.split() for line in lines] == [
        ["class", "real", "wanted", "method"],
        ["cat", "100", "0"],
        ["dog", "60", "40", "gan"],
        ["eel", "8", "92", "smote"],
    ]
