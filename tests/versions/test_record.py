"""What is read of projects and records that others have written."""

import json
from typing import Any

import pytest

from gan_augment.errors import UserError
from gan_augment.versions import record
from gan_augment.versions.record import Built

DECLARED = "artifacts: {augmented: {path: data/augmented, type: dataset}}"
MD5 = "0123456789abcdef" * 2


def lock(**out: object) -> str:
    """Return a dvc.lock of two stages, the second of which makes data/augmented."""
    before = {"path": "reports/metrics.json", "hash": "md5", "size": 3}
    outs = [before, {"path": "data/augmented", **out}]
    return json.dumps({"schema": "2.0", "stages": {"ingest": {"cmd": "x"}, "a": {"outs": outs}}})


def test_the_data_of_an_artifact() -> None:
    found = record.data(DECLARED, lock(md5=f"{MD5}.dir"), "augmented")
    assert found == {"path": "data/augmented", "md5": f"{MD5}.dir"}


def test_how_much_was_built_is_known_if_it_is_on_record() -> None:
    written = lock(md5=f"{MD5}.dir", size=7, nfiles=2)
    path = "data/augmented"
    assert record.built(DECLARED, written, "augmented") == Built(path, f"{MD5}.dir", 7, 2)
    assert record.built(DECLARED, lock(md5=MD5), "augmented") == Built(path, MD5, None, None)


@pytest.mark.parametrize(
    ("declared", "built", "said"),
    [
        ("artifacts: {augmented: }", "{}", r"dvc.yaml is damaged: artifacts.augmented: .*"),
        ("artifacts: {augmented: {path: 3}}", "{}", r"dvc.yaml is damaged: artifacts.augm.*path: "),
        ("artifacts: 3", "{}", "dvc.yaml is damaged: artifacts: "),
        ("[1]", "{}", "dvc.yaml is damaged: .*dictionary"),
        ("stages: [", "{}", "dvc.yaml is damaged: while parsing"),
        ("artifacts: ", "{}", "artifact 'augmented': not among"),
        (DECLARED, "", "data/augmented is not in dvc.lock"),
        (DECLARED, "stages: ", "data/augmented is not in dvc.lock"),
        (DECLARED, "stages: {a: 3}", "dvc.lock is damaged: stages.a: "),
        (DECLARED, "a: b: c", "dvc.lock is damaged: mapping values"),
        (DECLARED, lock(), "data/augmented has no md5 in dvc.lock"),
        (DECLARED, lock(md5="../" * 9), r"dvc.lock is damaged: stages.a.outs.1.md5: "),
    ],
)
def test_what_is_no_project_is_one_message(declared: str, built: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}") as told:
        record.data(declared, built, "augmented")
    assert "\n" not in str(told.value)


def test_a_record_is_given_as_it_is() -> None:
    told = {"verdict": "level", "classes": ["a"], "counts": {"train": {"real": [3]}}, "new": 1}
    assert record.parse(json.dumps(told), "v1.0.0") == told
    assert record.parse("", "v1.0.0") == {}


@pytest.mark.parametrize(
    "damaged",
    [
        {"synthetic": "gan"},
        {"verdict": 3},
        {"verdict": "level", "counts": 3},
        {"verdict": "level", "counts": {"train": {"real": [3]}}},
        {"verdict": "level", "classes": ["a"], "counts": {"train": {"real": ["3 of them"]}}},
        {"verdict": "level", "fidelity": None},
        {"verdict": "level", "metrics": 3},
    ],
)
def test_a_record_that_is_none_is_one_message(damaged: Any) -> None:
    with pytest.raises(UserError, match="^the record of v1.0.0 is damaged: ") as told:
        record.parse(json.dumps(damaged), "v1.0.0")
    assert "\n" not in str(told.value)
