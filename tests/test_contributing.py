"""The recipes of CONTRIBUTING.md work, and every file that the documents name exists."""

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_augment import names, schema, table
from gan_augment.evaluation import arms, classifiers
from gan_augment.export import export
from gan_augment.gan import losses, networks
from gan_augment.ingest import sources
from gan_augment.ingest import stage as ingest
from gan_augment.params import ClassicParams, EvaluateParams, IngestParams, Params
from gan_augment.synthesis import gates
from gan_augment.synthesis.gates.evidence import Candidates, Evidence
from gan_augment.synthesis.report import in_words
from gan_augment.table import Images
from tests.evaluation.test_classifiers import training_set
from tests.gan.test_networks import shape
from tests.gan.test_trainer import moved, trainer

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))
RECIPES = dict(re.findall(r"^### (?:A|An) (\w+)\n(.+?)(?=^### |\Z)", TEXT, re.M | re.S))
REGISTRIES = {
    "loss": (losses, losses.LOSSES),
    "network": (networks, networks.NETWORKS),
    "arm": (arms, arms.ARMS),
    "source": (sources, sources.SOURCES),
    "gate": (gates, gates.GATES),
    "classifier": (classifiers, classifiers.CLASSIFIERS),
}
NEEDED = {
    "network": ["gan_augment.gan.networks.mlp"],
    "source": ["gan_augment.ingest.sources.idx", "gan_augment.export"],
    "gate": ["gan_augment.synthesis.gates.evidence", "gan_augment.synthesis.gates.sight"],
}
"""Modules from which a new file imports, as those beside it do."""

Follow = Callable[[str], str]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Return a function that does what a recipe says, and gives the new name; undone afterwards."""
    before = {kind: dict(registry) for kind, (_, registry) in REGISTRIES.items()}

    def do(kind: str) -> str:
        (code,) = re.findall(r"^```python\n(.+?)^```", RECIPES[kind], re.M | re.S)
        module, registry = REGISTRIES[kind]
        there: dict[str, Any] = {}
        for name in NEEDED.get(kind, []):
            there |= vars(importlib.import_module(name))
        exec(compile(code, f"CONTRIBUTING.md: {kind}", "exec"), {**there, **vars(module)})
        (new,) = set(registry) - set(before[kind])
        return new

    yield do
    for kind, (_, registry) in REGISTRIES.items():
        registry.clear()  # type: ignore[attr-defined]
        registry.update(before[kind])  # type: ignore[attr-defined]


def test_there_is_a_recipe_for_each() -> None:
    assert set(RECIPES) == set(REGISTRIES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_files_and_places_that_are_named_exist(document: Path) -> None:
    text = re.sub(r"^```.+?^```$", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"\w+:", target):
            path, _, place = target.partition("#")
            file = document.parent / path if path else document
            assert file.exists(), target
            assert not place or place in places(file), target


def places(file: Path) -> set[str]:
    """Return what a link may name behind `#`: headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_recipes_name_files_that_exist(kind: str) -> None:
    named = re.findall(r"`((?:pipeline|tests|docs)/[^`]+)`", RECIPES[kind])
    assert {path.partition("/")[0] for path in named} == {"pipeline", "tests", "docs"}
    for path in named:
        assert (ROOT / path).exists(), path
    module, _ = REGISTRIES[kind]
    home = Path(str(module.__file__)).relative_to(ROOT).as_posix()
    assert home in named


@pytest.mark.parametrize("kind", REGISTRIES)
def test_it_can_be_named_in_params_and_editors_know_it(kind: str, follow: Follow) -> None:
    new = follow(kind)
    evaluate: dict[str, Any] = {"arms": ["real", "gan"]}
    settings = {
        "loss": {"train": {"loss": new}},
        "network": {"train": {"network": new}},
        "arm": {"evaluate": {"arms": ["real", "gan", new]}},
        "source": {"ingest": {"source": new}},
        "gate": {"generate": {"gates": [new]}},
        "classifier": {"evaluate": {**evaluate, "classifiers": [new]}},
    }
    names.check(Params.model_validate({"evaluate": evaluate, **settings[kind]}))
    assert f'"{new}"' in schema.text()


@pytest.mark.parametrize("network", ["mlp", "resnet"])
def test_a_loss_trains(network: str, follow: Follow) -> None:
    moved(trainer(loss=follow("loss"), network=network))


def test_a_network_is_built_and_trains(follow: Follow) -> None:
    name = follow("network")
    generator, discriminator = networks.build(name, shape(3, 9, 12, spectral_norm=True))
    images = generator(torch.randn(4, 5), torch.tensor([0, 1, 2, 2]))
    assert images.shape == (4, 3, 9, 12)
    assert discriminator(images, torch.tensor([0, 1, 2, 2])).shape == (4,)
    moved(trainer(network=name))


def test_an_arm_makes_a_training_set(follow: Follow, train_images: Images) -> None:
    material = arms.Material(train_images, train_images, lambda _: train_images, ClassicParams())
    arm = arms.ARMS[follow("arm")]
    made = arm.prepare(material, 0)(arm.options[0], material.classic)
    assert made.real == len(train_images)
    np.testing.assert_array_equal(made.pixels[made.real :], train_images.pixels[..., ::-1])


def test_a_source_is_ingested(follow: Follow, digits: Path, tmp_path: Path) -> None:
    name = follow("source")
    export(digits, tmp_path / "out", "npz")
    params = IngestParams(source=name, path=tmp_path / "out" / "validation.npz")
    ingest.run(params, {}, {"real": tmp_path / "real"})
    before = table.read(digits, "validation").rows["id"]
    after = table.read(tmp_path / "real").rows["id"]
    assert set(after) == set(before)


def test_a_gate_judges(follow: Follow, digits: Path, tmp_path: Path) -> None:
    train, validation = (table.read(digits, split) for split in ("train", "validation"))
    evidence = Evidence(train, validation, None, 0.95, 0, tmp_path)  # type: ignore[arg-type]
    judges = gates.fit([follow("gate")], evidence)
    real = gates.judge(candidates(validation.pixels), judges)
    assert real.passed.mean() == pytest.approx(0.95, abs=0.01)
    dull = gates.judge(candidates(np.full_like(validation.pixels, 90)), judges)
    assert not dull.passed.any()
    assert in_words(judges, [0, 1], train.classes) == []


def candidates(pixels: np.ndarray) -> Candidates:
    """Return candidates of which only the pixels are known."""
    known = {"indices": np.arange(len(pixels)), "pixels": pixels}
    return Candidates(**{field.name: known.get(field.name) for field in fields(Candidates)})  # type: ignore[arg-type]


def test_a_classifier_learns(follow: Follow, train_images: Images) -> None:
    judge = classifiers.CLASSIFIERS[follow("classifier")].judge
    (scores,) = judge(training_set(train_images), [train_images.pixels], EvaluateParams(), 0)
    assert (scores.argmax(axis=1) == train_images.labels).mean() > 0.8
