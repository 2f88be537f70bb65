from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from gan_augment.errors import UserError
from gan_augment.versions.overrides import override


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
    apply_overrides(params, [override("train.x", value)])
    found = yaml.safe_load(params.read_text())["train"]["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "value", ["${x}", ["a", {"b": "c${oc.env:HOME}"}], {"7": 1}, {"ü": 1}, {'a"b': 1}, {"": 1}]
)
def test_what_hydra_has_no_words_for_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match=r"^train\.x = .*: DVC cannot set that for an experiment"):
        override("train.x", value)
