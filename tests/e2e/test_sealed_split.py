"""No test image reaches the generator: with other ones, all that comes before the end is the same.

"All" is every byte of what the backbone sees in training and validation images, generator, history
of training (spread included), synthetic images, other draws and gates; and of the evaluation what
validation chose, and every outcome on validation images.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gan_augment import table
from gan_augment.embed import stage as embed
from gan_augment.evaluation import stage as evaluate
from gan_augment.gan import stage as train
from gan_augment.params import (
    EmbedParams,
    EvaluateParams,
    GenerateParams,
    TrainParams,
)
from gan_augment.storage import write_json
from gan_augment.synthesis import stage as generate
from tests.conftest import QUICK_BACKBONE

CLASSES = 3
TRAIN = TrainParams(steps=60, batch_size=32, width=64, eval_interval=30, threads=1)
EVALUATE = EvaluateParams(
    repeats=6,
    arms=("real", "class-weights", "smote", "classic", "gan", "gan+classic"),
    classifiers=("logistic-regression", "k-nn"),
)
UNSEALED = ("models/generator", "reports/training", "data/synthetic", "data/draws")
UNSEALED += ("reports/synthesis",)
ALIKE = ("copies", "repeats")
GATES = {"none": ("copies",), "efficientnet-lite0": ("agreement", "support", *ALIKE)}
BACKBONES = [EmbedParams(backbone="none"), QUICK_BACKBONE]
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def ingested(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of the first digits, 15 at most of a class and split."""
    folder = tmp_path_factory.mktemp("ingested")
    classes = table.class_names(digits)[:CLASSES]
    parts = []
    for split in table.SPLITS:
        images = table.read(digits, split)
        few = np.sort(
            np.concatenate([np.flatnonzero(images.labels == c)[:15] for c in range(CLASSES)])
        )
        parts.append(
            table.encode(
                images.pixels[few], images.labels[few], classes, split=split, origin="real"
            )
        )
    return sealed(folder, parts, classes)


def sealed(folder: Path, parts: Sequence[pa.Table], classes: Sequence[str]) -> Path:
    """Write what ingestion writes of these rows."""
    table.write(folder / "data/real", parts, classes)
    seal = {"test": table.table_hash(folder / "data/real", "test")}
    write_json(folder / "reports/ingest/seal.json", seal)
    return folder


def with_others(ingested: Path, split: str, folder: Path) -> Path:
    """Ingest again, as it were, with a negative of each image of a split, under another class."""
    real = ingested / "data/real"
    images, classes = table.read(real, split), table.class_names(real)
    others = table.encode(
        255 - images.pixels,
        (images.labels + 1) % len(classes),
        classes,
        split=split,
        origin="real",
    )
    kept = [rows for name in table.SPLITS if name != split for rows in table.scan(real, name)]
    return sealed(folder, [*kept, others], classes)


class Built(NamedTuple):
    """A project whose stages from `embed` to `evaluate` ran."""

    folder: Path
    backbone: EmbedParams


def places(ingested: Path, folder: Path) -> tuple[Mapping[str, Path], Mapping[str, Path]]:
    """Return inputs and outputs of all stages of a project."""
    inputs = {
        "real": ingested / "data/real",
        "ingest": ingested / "reports/ingest",
        "features": folder / "data/features",
        "model": folder / "models/generator",
        "synthetic": folder / "data/synthetic",
        "draws": folder / "data/draws",
    }
    outputs = {
        **inputs,
        "scratch": folder / "scratch",
        "history": folder / "reports/training",
        "report": folder / "reports/synthesis",
        "outcomes": folder / "reports/outcomes.parquet",
        **{name: folder / f"reports/{name}.csv" for name in ("repeats", "arms", "lifts")},
        **{name: folder / f"reports/{name}.json" for name in ("metrics", "verdict")},
    }
    return inputs, outputs


def build(ingested: Path, folder: Path, backbone: EmbedParams) -> Built:
    inputs, outputs = places(ingested, folder)
    embed.run(backbone, inputs, outputs)
    train.run(TRAIN, inputs, outputs)
    params = GenerateParams(gates=GATES[backbone.backbone], max_tries=200)
    generate.run(params, inputs, outputs, EVALUATE.sets)
    evaluate.run(EVALUATE, inputs, outputs)
    return Built(folder, backbone)


@pytest.fixture(scope="module", params=BACKBONES, ids=lambda params: params.backbone)
def here(
    request: pytest.FixtureRequest, ingested: Path, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    return build(ingested, tmp_path_factory.mktemp("here"), request.param)


def unsealed(folder: Path) -> Mapping[str, bytes]:
    """Return the content of each file that no test image may change."""
    files = [file for name in UNSEALED for file in (folder / name).rglob("*") if file.is_file()]
    seen = (folder / "data/features").glob("*")
    files += [file for file in seen if not file.name.startswith("test-")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def chosen(folder: Path) -> object:
    """Return what validation chose: options, and the recipe of each arm with its validation."""
    verdict = json.loads((folder / "reports/verdict.json").read_text())
    recipes = {
        arm: (recipe["classifier"], recipe["validation"])
        for arm, recipe in verdict["recipes"].items()
    }
    return verdict["choices"], recipes, verdict["recipe"]["classifier"]


def scores(folder: Path, split: str) -> pd.DataFrame:
    repeats = pd.read_csv(folder / "reports/repeats.csv", dtype=str)
    return repeats[repeats["split"] == split].reset_index(drop=True)


def outcomes(folder: Path, split: str) -> pd.DataFrame:
    found = pq.read_table(folder / "reports/outcomes.parquet").to_pandas()
    return found[found["split"] == split].astype(str).reset_index(drop=True)


def test_no_test_image_reaches_what_comes_before_the_end(
    here: Built, ingested: Path, tmp_path: Path
) -> None:
    other = with_others(ingested, "test", tmp_path / "other")
    there = build(other, tmp_path / "there", here.backbone).folder
    before = unsealed(here.folder)
    assert len(before) > 15
    assert before == unsealed(there)
    assert chosen(here.folder) == chosen(there)
    for split in ("validation", "synthetic"):
        pd.testing.assert_frame_equal(scores(here.folder, split), scores(there, split))
    kept = outcomes(here.folder, "validation")
    pd.testing.assert_frame_equal(kept, outcomes(there, "validation"))
    assert not scores(here.folder, "test").equals(scores(there, "test"))
    assert not set(outcomes(here.folder, "test")["id"]) & set(outcomes(there, "test")["id"])


def test_an_image_of_another_split_is_noticed(here: Built, ingested: Path, tmp_path: Path) -> None:
    """So the comparison above would tell of images that reach the generator, by scores alone."""
    other = with_others(ingested, "validation", tmp_path / "other")
    inputs, outputs = places(other, tmp_path / "there")
    embed.run(here.backbone, inputs, outputs)
    train.run(TRAIN, inputs, outputs)
    name = "reports/training/validation.csv"
    assert unsealed(here.folder)[name] != unsealed(tmp_path / "there")[name]
