"""What editors accept in params.yaml is what the pipeline accepts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gan_augment import names, params, schema
from gan_augment.errors import UserError

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(schema.schema())
    return Draft202012Validator(schema.schema())


def test_the_file_is_that_of_the_models() -> None:
    fresh = (ROOT / "params.schema.json").read_text(encoding="utf-8") == schema.text()
    assert fresh, "run `python -m gan_augment.schema`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_files_name_it_and_pass(file: Path, validator: Draft202012Validator) -> None:
    marker, _, place = file.read_text().partition("\n")[0].partition("=")
    assert marker == "# yaml-language-server: $schema"
    assert (file.parent / place).resolve() == ROOT / "params.schema.json"
    validator.validate(yaml.safe_load(file.read_text()))


def accepted(file: Path, content: str) -> bool:
    """Return whether the pipeline takes the settings; any it lacks are as they are shipped."""
    file.write_text(content)
    try:
        names.check(params.load(file))
    except UserError:
        return False
    return True


@pytest.mark.parametrize(
    ("section", "right", "wrong"),
    [
        ("ingest", "image_size: 32", "image_size: 2"),
        ("ingest", "image_size: [24, 32]", "image_size: [24, 32, 3]"),
        ("ingest", "image_size: null", "image_size: large"),
        ("ingest", "group: given", "group: guessed"),
        ("ingest", "group: {pattern: '(.+)_'}", "group: {pattern: '(.+)_', kind: pattern}"),
        ("ingest", "source: folder", "source: folders"),
        ("ingest", "scarcity: {cat: 3}", "scarcity: {cat: 0}"),
        ("ingest", "duplicates: {near: null}", "duplicates: {near: 0}"),
        ("train", "init_from: ../other/models/generator", "init_from: 3"),
        ("train", "init_from: {repo: url, rev: v1}", "init_from: {rep: url}"),
        ("train", "loss: hinge", "loss: hing"),
        ("train", "penalty: null", "penalty: r3"),
        ("train", "network: auto", "network: null"),
        ("train", "augment: [cutout]", "augment: [cut]"),
        ("train", "augment: [cutout, colour]", "augment: [cutout, cutout]"),
        ("train", "augment_probability: adaptive", "augment_probability: 0.7"),
        ("train", "width: [32, 64]", "width: []"),
        ("train", "steps: 10", "stepz: 10"),
        ("generate", "plan: fill", "plan: full"),
        ("generate", "plan: {fill: 2.5}", "plan: {fill: 0.5}"),
        ("generate", "plan: {ratio: 0.5}", "plan: {ratio: 0}"),
        ("generate", "plan: {per_class: 9}", "plan: {per_class: 0.5}"),
        ("generate", "plan: {classes: {cat: 5}}", "plan: {classes: {cat: -1}}"),
        ("generate", "plan: {per_class: 9}", "plan: {per_class: 9, ratio: 1}"),
        ("generate", "method: smote", "method: smite"),
        ("generate", "gates: []", "gates: [luck]"),
        ("evaluate", "arms: [real, gan]", "arms: [real, gan, gin]"),
        ("generate", "gates: [copies]", "gates: [copies, copies]"),
        ("evaluate", "arms: [real, gan]", "arms: [real, gan, gan]"),
        ("evaluate", "classifiers: [k-nn]", "classifiers: [7-nn]"),
        (
            "evaluate",
            "classifiers: ['sklearn.naive_bayes:GaussianNB']",
            "classifiers: [sklearn.naive_bayes]",
        ),
        ("evaluate", "classic: {policy: affine}", "classic: {policy: affin}"),
        ("assemble", "method: gan+gmm", "method: gan+gan"),
    ],
)
def test_it_agrees_with_the_pipeline(
    section: str, right: str, wrong: str, validator: Draft202012Validator, tmp_path: Path
) -> None:
    for setting, good in ((right, True), (wrong, False)):
        content = f"{section}: {{{setting}}}"
        assert accepted(tmp_path / "params.yaml", content) == good
        assert validator.is_valid(yaml.safe_load(content)) == good


def keys(model: Any) -> set[str]:
    return set(model.model_fields)


def test_every_section_and_key_is_known_and_no_other(validator: Draft202012Validator) -> None:
    made = validator.schema
    assert set(made["properties"]) == keys(params.Params)
    for field in params.Params.model_fields.values():
        declared = made["$defs"][field.annotation.__name__]
        assert set(declared["properties"]) == keys(field.annotation)
        assert declared["additionalProperties"] is False
