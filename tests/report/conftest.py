"""A verdict on made-up scores, and the folders that stages leave behind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_augment import table
from gan_augment.evaluation.arms import ARMS
from gan_augment.evaluation.verdict import verdicts
from gan_augment.params import AssembleParams, ReportParams
from gan_augment.report.page import render
from gan_augment.sheet import contact_sheet
from tests.evaluation.worlds import steady
from tests.recipes import recipe
from tests.report import browser

CLASSES = ("cat", "<b>dog</b>")
KINDS = {name: arm.kind for name, arm in ARMS.items()}
Render = Callable[..., str]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Return the reports of ingest, generate and train, and the model's folder, all filled."""
    paths = {name: tmp_path / name for name in ("ingest", "synthesis", "history", "model")}
    for path in paths.values():
        path.mkdir()
    sheet = contact_sheet([np.full((4, 3, 16, 16), 90, np.uint8)], 2)

    def csv(folder: str, name: str, **columns: list[object]) -> None:
        pd.DataFrame(columns).to_csv(paths[folder] / f"{name}.csv", index=False)

    def write(folder: str, name: str, content: object) -> None:
        (paths[folder] / f"{name}.json").write_text(json.dumps(content))

    split = ["train", "train", "test", "test"]
    csv("ingest", "counts", split=split, **{"class": [*CLASSES] * 2}, images=[20, 10, 7, 6])
    csv(
        "ingest", "quarantine", file=["x" * 90 + ".png"], **{"class": ["cat"]}, reason=["truncated"]
    )
    columns = {"class": ["cat", "cat"], "split": ["train", "train"], "id": ["1", "2"]}
    csv("ingest", "clusters", cluster=["k", "k"], file=["a.png", "b.png"], **columns)
    csv("ingest", "doubts", doubt=["the split may leak: <names> tell"])
    csv("ingest", "sizes", width=[640], height=[480], images=[43], cut=[0.125])
    csv("ingest", "channels", split=["train"], channel=["red"], mean=[99.5], deviation=[40.25])
    csv("synthesis", "plan", **{"class": ["cat"]}, method=["gan"], images=[10])
    gates = {"gate": ["all", "copies"], "tried": [128, 128], "accepted": [64, 96]}
    numbers = {"accuracy": [None, 0.5], "accuracy_error": [None, 0.1], "chance": [None, 0.5]}
    seen = {
        "judge": [None, "its sight"],
        **numbers,
        "warning": [None, "blind: it cannot tell <classes>"],
    }
    csv("synthesis", "gates", **{"class": ["cat", "cat"]}, **gates, rate=[0.5, 0.75], **seen)
    measured = {"kid": {"value": 0.25, "low": None, "high": None, "real": -0.01}}
    write("synthesis", "fidelity", {"overall": {"images": 10, "network": measured, "pixels": {}}})
    write("synthesis", "memorisation", {"passed": False, "reasons": ["12 % are near copies"]})
    sheet.save(paths["synthesis"] / "closest.png")
    csv(
        "history",
        "losses",
        step=[20, 40],
        loss_discriminator=[0.7, 0.6],
        loss_generator=[0.7, 0.8],
    )
    csv("history", "validation", step=[20, 40], cas=[0.5, 0.9], kid=[None, 0.2])
    lifts = {"lift": [0.012, 0.025], "lift_error": [0.004, 0.003]}
    csv("history", "networks", network=["mlp", "resnet"], **lifts)
    event = {"trouble": ["mode collapse"], "words": ["all alike"], "action": ["went back"]}
    csv("history", "events", step=[40], **event)
    (paths["history"] / "samples").mkdir()
    sheet.save(paths["history"] / "samples" / "step-000020.png")
    training = {"best": {"step": 20}, "params": {"gamma": 1.0}, "environment": {}, "stopped": None}
    write("model", "config", {"network": "resnet", "training": training})
    return paths


def evaluated(gan: float | None = 0.9, test: int = 1000) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return verdict and scores; by default the GAN helps, on many images; None is without it."""
    draw = np.random.default_rng(0)
    plain = {"real": 0.8, "smote": 0.82, "gmm+smote+classic": 0.81}
    arms = {**plain, "placebo": 0.79, **({"gan": gan} if gan else {})}
    rows = [
        (repeat, "k-nn", arm, split, metric, name, value + draw.normal(0, 0.01))
        for repeat in range(6)
        for arm, value in arms.items()
        for split in ("validation", "test")
        for metric, name in (
            ("balanced_accuracy", ""),
            ("macro_f1", ""),
            *(("recall", c) for c in CLASSES),
        )
    ]
    columns = ["repeat", "classifier", "arm", "split", "metric", "class", "value"]
    repeats = pd.DataFrame(rows, columns=columns)
    described = {
        "kinds": KINDS,
        "settings": {"repeats": 6, "min_gain": 0.5},
        "provenance": {"generator": "abc"},
    }
    world = replace(steady(arms, test), classes=dict(enumerate(CLASSES)))
    affine = {"policy": "affine", "flip": True}
    recipes = {
        "real": {**recipe(validation=0.8, beats_real=False), "against_real": None},
        "classic": recipe(validation=0.81, k_nn={"again": 1.0, "classic": affine}),
    }
    if gan:
        recipes["smote"] = recipe(["smote"], 0.82)
        recipes["gan"] = recipe(["gan"], gan)
    told = {"recipes": recipes, "planned": dict.fromkeys(CLASSES, 10)}
    return {**verdicts(world, world, 0.5), **told, **described}, repeats


def images(n: int) -> table.Images:
    """Return so many RGB images, of the classes in turn."""
    pixels = np.random.default_rng(n).integers(0, 256, (n, 3, 16, 16), np.uint8)
    return table.Images(pixels, np.arange(n) % 2, CLASSES, pd.DataFrame())


@pytest.fixture
def page(folders: dict[str, Path]) -> Render:
    """Return a maker of pages about a GAN that helps."""

    def make(synthetic: int = 20, gan: float | None = 0.9, test: int = 1000) -> str:
        verdict, repeats = evaluated(gan, test)
        real, made = images(30), images(synthetic)
        about = ReportParams(data="Pets & <co>, 2026-01-31")
        return render(verdict, repeats, real, made, folders, about, AssembleParams())

    return make


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[browser.Page]:
    """Return a tab of a real browser."""
    program = browser.executable()
    if program is None:
        pytest.skip("no Chromium is on PATH")
    with browser.browser(program, tmp_path / "profile") as page:
        yield page
