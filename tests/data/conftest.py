"""A small augmented set as `assemble` leaves it: real digits, and synthetic ones where scarce."""

import shutil
from pathlib import Path

import pytest
import yaml

from gan_augment import table
from gan_augment.classifier import stage
from gan_augment.data import Data, load
from gan_augment.params import ClassifierParams
from gan_augment.versions.publish import Publication, publish
from tests.assembled import assembled
from tests.projects import ROOT, Project, copy
from tests.recipes import recipe

AFFINE = {"policy": "affine", "flip": False}
VERDICT = {
    "overall": {
        "verdict": "level",
        "sentence": "gan is level with the simpler smote.",
        "gan_arm": "gan",
        "alternative": "smote",
    },
    "recipes": {
        "real": recipe(validation=0.8, beats_real=False),
        "class-weights": recipe(k_nn={"class_weights": {str(n): 1 + n / 10 for n in range(10)}}),
        "smote": recipe(["smote"], 0.95, k_nn={"share": 0.5}, rbf_svm={"share": 0.75}),
        "smote+classic": recipe(["smote"], k_nn={"share": 0.5, "again": 0.5, "classic": AFFINE}),
        "gan": recipe(["gan"], 0.9, k_nn={"share": 2.0}, rbf_svm={"share": 1.0}),
    },
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    """Return a folder with data/augmented and models/classifier, and a photograph."""
    folder = tmp_path_factory.mktemp("project")
    augmented = assembled(folder, digits, VERDICT)
    outputs = {"classifier": folder / "models/classifier"}
    stage.run(ClassifierParams(judge="mlp"), {"augmented": augmented}, outputs)
    image = table.read(digits, "test").pixels[0]
    table.picture(image).save(folder / "photograph.png")
    return folder


@pytest.fixture(scope="session")
def augmented(project: Path) -> Path:
    return project / "data/augmented"


@pytest.fixture(scope="session")
def data(augmented: Path) -> Data:
    return load(augmented)


@pytest.fixture(scope="session")
def published(
    built: Project, project: Path, augmented: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Return a project that published the table and its classifier as v1.0.0."""
    made = copy(built, tmp_path_factory.mktemp("published") / "copy")
    content = yaml.safe_load((made.root / "dvc.yaml").read_text())
    shutil.copytree(augmented, made.root / "made")
    content["stages"]["assemble"]["cmd"] = "cp -r made data/augmented"
    content["stages"]["assemble"]["deps"] = ["made", "reports/verdict.json"]
    shutil.copytree(project / "models/classifier", made.root / "trained")
    content["stages"]["classifier"] = {
        "cmd": "cp -r trained models/classifier",
        "deps": ["trained", "data/augmented"],
        "outs": ["models/classifier"],
    }
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    content["artifacts"]["classifier"] = stages["artifacts"]["classifier"]
    (made.root / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    made.commit()
    made.rebuild()
    publish(made.root, Publication())
    return made


@pytest.fixture(autouse=True)
def _own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is fetched and converted out of the user's own caches."""
    import datasets.config

    monkeypatch.setenv("GAN_AUGMENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "huggingface")
