"""A small augmented set as `assemble` leaves it: real digits, and synthetic ones where scarce."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from gan_augment import table
from gan_augment.assemble import stage
from gan_augment.data import Data, load
from gan_augment.params import AssembleParams
from gan_augment.synthesis.baselines import rows
from gan_augment.versions.publish import Publication, publish
from tests.versions.conftest import Project, _environment, built, copy

__all__ = ["_environment", "built"]  # fixtures

VERDICT = {
    "overall": {
        "verdict": "level",
        "sentence": "gan is level with the simpler smote.",
        "gan_arm": "gan",
        "alternative": "smote",
    },
    "methods": {
        "preferred": "smote",
        "validation": {"gan": 0.88, "smote": 0.9},
        "lifts": {"gan": True, "smote": True},
    },
    "choices": {
        "real": {"k-nn": None, "rbf-svm": None},
        "smote": {"k-nn": 0.25, "rbf-svm": 0.75},
        "smote+classic": {"k-nn": 0.5, "rbf-svm": 0.5},
        "gan": {"k-nn": 2.0, "rbf-svm": 1.0},
        "classic": {"k-nn": "affine", "rbf-svm": "affine"},
    },
}
MADE = 10


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    """Return a folder with data/augmented in it."""
    folder = tmp_path_factory.mktemp("project")
    train = table.read(digits, "train")
    scarce = np.flatnonzero(train.counts() == train.counts().min()).tolist()
    made = [rows("smote", train, label, MADE, 0) for label in scarce]
    table.write(folder / "data/synthetic", made, train.classes)
    provenance = {
        "real images": table.table_hash(digits),
        "synthetic images": table.table_hash(folder / "data/synthetic"),
    }
    (folder / "verdict.json").write_text(json.dumps({**VERDICT, "provenance": provenance}))
    (folder / "memorisation.json").write_text('{"passed": true, "reasons": []}')
    inputs = {
        "real": digits,
        "synthetic": folder / "data/synthetic",
        "memorisation": folder / "memorisation.json",
        "verdict": folder / "verdict.json",
    }
    stage.run(AssembleParams(), inputs, {"augmented": folder / "data/augmented"})
    return folder


@pytest.fixture(scope="session")
def augmented(project: Path) -> Path:
    return project / "data/augmented"


@pytest.fixture(scope="session")
def data(augmented: Path) -> Data:
    return load(augmented)


@pytest.fixture(scope="session")
def published(built: Project, augmented: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that published the table as v1.0.0."""
    project = copy(built, tmp_path_factory.mktemp("published") / "copy")
    content = yaml.safe_load((project.root / "dvc.yaml").read_text())
    shutil.copytree(augmented, project.root / "made")
    content["stages"]["assemble"]["cmd"] = "cp -r made data/augmented"
    content["stages"]["assemble"]["deps"] = ["made", "reports/verdict.json"]
    (project.root / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    project.commit()
    project.rebuild()
    publish(project.root, Publication())
    return project


@pytest.fixture(autouse=True)
def _own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is fetched and converted out of the user's own caches."""
    import datasets.config

    monkeypatch.setenv("GAN_AUGMENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "huggingface")
