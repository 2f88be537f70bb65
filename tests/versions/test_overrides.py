from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.exceptions import InvalidArgumentError
from dvc.utils.hydra import apply_overrides

from gan_augment.errors import UserError
from gan_augment.versions.overrides import overrides


@pytest.mark.parametrize(
    "value",
    [
        *(5000, -0.25, True, None, [], {}, [1, "a,b", None, False, {"k": "v w"}]),
        *("", "ünï", "null", "12", "1e3", " x ", "[x]", "{a:b}", "a=b,c", "choice(1,2)", "#$\t"),
        *("a\\d", "a\\\\", '\\"', 'say "it\'s"', "a\nb"),
        *({"fill": 2.0}, {"classes": {"a b": 50, "c:d,e": 0, "f.g\\": 1}}),
    ],
)
def test_dvc_sets_just_the_value(value: Any, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("train: {x: auto}\n")
    apply_overrides(params, overrides("train.x", value))
    found = yaml.safe_load(params.read_text())["train"]["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("value", [{"classes": {"a": 7}}, {"fill": 2.0}, {}, None, "auto", [1]])
@pytest.mark.parametrize("before", ["{classes: {a: 5, b: 6}}", "{per_class: 5}", "{}", "null"])
def test_nothing_is_left_of_a_mapping(before: str, value: Any, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(f"train: {{x: {before}, y: 1}}\n")
    apply_overrides(params, overrides("train.x", value))
    assert yaml.safe_load(params.read_text()) == {"train": {"x": value, "y": 1}}


@pytest.mark.parametrize("value", [3, {"a": 1}])
def test_a_key_that_is_not_there_is_not_made(value: Any, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("train: {x: auto}\n")
    with pytest.raises(InvalidArgumentError):
        apply_overrides(params, overrides("train.z", value))


@pytest.mark.parametrize(
    "value", ["${x}", ["a", {"b": "c${oc.env:HOME}"}], {"7": 1}, {"ü": 1}, {'a"b': 1}, {"": 1}]
)
def test_what_hydra_has_no_words_for_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match=r"^train\.x = .*: DVC cannot set that for an experiment"):
        overrides("train.x", value)
