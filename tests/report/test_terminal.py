import json
import shutil
from pathlib import Path

import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.report.terminal import summary
from tests.recipes import recipe

RECIPES = {"recipes": {"gan": recipe(["gan"])}, "recipe": {"arm": "gan"}, "planned": {}}


def test_arms_are_listed_best_first_with_the_places_to_look(tmp_path: Path) -> None:
    overall = {
        "verdict": "level",
        "sentence": "gan is level with smote.",
        "scores": {"real": 0.8, "gan": 0.9123},
        "cautions": ["Thin evidence."],
    }
    file = tmp_path / "verdict.json"
    content = {"overall": overall, "classifiers": {"k-nn": overall}, **RECIPES}
    file.write_text(json.dumps(content))
    printed = summary(file, Path("report.html"), Path("data/augmented"))
    assert "What ships" not in printed
    lines = printed.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["gan", "real", "verdict"]
    assert lines[2].split()[1:] == ["91.2", "91.2"]
    for place in (
        str(file),
        "report.html",
        "data/augmented",
        "gan is level with smote.",
        "Caution: Thin",
        "Best recipe on validation is gan: real images, and synthetic ones by gan,",
    ):
        assert place in printed


def test_what_there_is_to_train_on(tmp_path: Path, digits: Path) -> None:
    overall = {"verdict": "harms", "sentence": "", "scores": {"real": 0.8}, "cautions": []}
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"overall": overall, "classifiers": {}, **RECIPES}))
    printed = summary(file, Path("report.html"), digits)
    number = int(table.counts(digits, "train").sum())
    assert printed.endswith(f"{digits}: {number:,} real and no synthetic images to train on")
    shutil.copytree(digits, tmp_path / "augmented")
    ships = {"ships": {"sentence": "Real images as they are: so it is."}}
    (tmp_path / "augmented" / "verdict.json").write_text(json.dumps(ships))
    printed = summary(file, Path("report.html"), tmp_path / "augmented")
    assert "\nWhat ships: Real images as they are: so it is.\n" in printed


def test_a_verdict_of_another_version_is_one_message(tmp_path: Path) -> None:
    overall = {"verdict": "harms", "sentence": "", "scores": {"real": 0.8}}
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"overall": overall, "classifiers": {}}))
    with pytest.raises(UserError, match="was made by another version of gan-augment: run `dvc re"):
        summary(file, Path("report.html"), tmp_path)
