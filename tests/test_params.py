from pathlib import Path

import pytest
import yaml

from gan_augment import names, params
from gan_augment.errors import UserError
from gan_augment.params import Params, Plan

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian: {}", "trian: unknown key; did you mean 'train'?"),
        ("train: {stepz: 4}", "train.stepz: unknown key; did you mean 'steps'? allowed: seed"),
        ("train: {steps: -5}", "train.steps = -5: should be greater than or equal to 1"),
        ("train: {steps: many}", "train.steps = 'many': should be a valid integer"),
        ("train: 3", "train = 3: should be a mapping of keys to values"),
        ("train: {init_from: {rev: v1}}", "rev needs repo: a path alone has no revisions"),
        (
            "train: {init_from: {rep: url}}",
            "train.init_from.rep: unknown key; did you mean 'repo'?",
        ),
        ("train: {label_ramp: [0.5, 0.2]}", "train.label_ramp = [0.5, 0.2]: must rise"),
        ("train: {augment: [colour, colour]}", "augment must not name anything twice"),
        ("train: {augment_probability: 0.9}", "less than or equal to 0.6"),
        (
            "generate: {plan: some}",
            "generate.plan = 'some': must be auto, fill, {fill: f} with f ≥ 1",
        ),
        ("generate: {plan: {ratio: -1}}", "generate.plan = {'ratio': -1}: must be auto"),
        ("ingest: {image_size: 2}", "ingest.image_size.0 = 2: should be greater than or equal"),
        ("ingest: {channels: 2}", "ingest.channels = 2: should be 1 or 3"),
        ("ingest: {split: {train: 0.9}}", "train + validation + test must be 1, not 1.3"),
        ("evaluate: {arms: [gan]}", "arms must include 'real'"),
        ("evaluate: {arms: [real, real]}", "arms must not name anything twice"),
        ("evaluate: {classifiers: [k-nn, k-nn]}", "classifiers must not name anything twice"),
        ("generate: {gates: [copies, copies]}", "gates must not name anything twice"),
        ("evaluate: {classic: {flop: 1}}", "evaluate.classic.flop: unknown key; did you mean"),
        ("assemble: {require: maybe}", "assemble.require = 'maybe': should be 'helps', 'level'"),
        ("a: [", "is not valid YAML"),
        ("[1]", "file = [1]: should be a mapping"),
    ],
)
def test_bad_params_are_refused_by_path_value_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        params.load(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: {learning_rate: .inf}", "train.learning_rate = inf: should be a finite number"),
        ("train: {gamma: .nan}", "train.gamma = nan: should be a finite number"),
        ("train: {steps: 100000000000}", "train.steps = 100000000000: should be less than"),
        ("train: {latent_dim: 1000000}", "train.latent_dim = 1000000: should be less than"),
        ("evaluate: {repeats: 1000000}", "evaluate.repeats = 1000000: should be less than"),
        ("generate: {plan: {ratio: .inf}}", "generate.plan.amount = inf: should be a finite"),
        ("generate: {plan: {per_class: 10000000000}}", "generate.plan.amount = 10000000000: "),
        ("generate: {plan: {classes: {a: 10000000000}}}", "generate.plan.classes.a = 10000000000"),
        ("ingest: {seed: 9223372036854775808}", "ingest.seed = 9223372036854775808: should be"),
    ],
)
def test_numbers_that_nobody_means(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        params.load(tmp_path / "params.yaml")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("train: {steps: 0, gamma: -1}")
    with pytest.raises(UserError) as caught:
        params.load(tmp_path / "p.yaml")
    assert "train.steps" in str(caught.value)
    assert "train.gamma" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("ingest", "source", "digit", "ingest.source = 'digit': did you mean 'digits'?"),
        ("train", "network", "resnets", "train.network = 'resnets': did you mean 'resnet'?"),
        ("train", "loss", "hing", "train.loss = 'hing': did you mean 'hinge'?"),
        ("evaluate", "arms", ["real", "gna"], "evaluate.arms = 'gna': did you mean 'gan'?"),
        ("evaluate", "arms", ["real", "smote"], "a verdict needs at least one of gan"),
        ("evaluate", "arms", ["real", "gan-soft"], "no arm with the GAN is left: add gan"),
        ("evaluate", "classifiers", ["svm"], "evaluate.classifiers = 'svm'"),
    ],
)
def test_names_are_checked_against_their_registries(
    section: str, key: str, value: object, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        names.check(Params.model_validate({section: {key: value}} | _with_arms(section)))
    assert message in str(caught.value)


def _with_arms(section: str) -> dict[str, object]:
    return {} if section == "evaluate" else {"evaluate": {"arms": ["real", "gan"]}}


def test_the_shipped_params_are_whole_and_say_the_defaults(settings: Params) -> None:
    """A key left out of params.yaml would be used but not tracked by DVC."""
    names.check(settings)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, model in Params.model_fields.items():
        assert set(content[section]) == set(model.annotation.model_fields)  # type: ignore[union-attr]
    assert settings.train == params.TrainParams()


@pytest.mark.parametrize(
    ("value", "plan"),
    [
        ("auto", ("auto", 1)),
        ("fill", ("fill", 1)),
        ({"ratio": 0.5}, ("ratio", 0.5)),
        ({"per_class": 7}, ("per_class", 7)),
    ],
)
def test_plans(value: object, plan: tuple[str, float]) -> None:
    parsed = Plan.model_validate(value)
    assert (parsed.kind, parsed.amount) == plan


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path} cannot be read: Is a directory"):
        params.load(tmp_path)


def test_where_training_starts_is_kept_without_a_password(tmp_path: Path) -> None:
    address = "https://me:SECRET@host/x.git"
    (tmp_path / "params.yaml").write_text(f"train: {{init_from: {{repo: '{address}'}}}}")
    origin = params.load(tmp_path / "params.yaml").train.init_from
    assert origin is not None
    assert origin.repo == address
    assert origin.model_dump()["repo"] == address
    assert origin.model_dump(mode="json")["repo"] == "https://host/x.git"


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is missing: run in the project's top folder"):
        params.load(tmp_path / "params.yaml")
