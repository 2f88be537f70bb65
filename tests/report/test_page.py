from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import table
from pipeline.evaluation.verdict import verdicts
from pipeline.params import EvaluateParams
from pipeline.report.page import render

CLASSES = ("cat", "<b>dog</b>")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    losses = pd.DataFrame(
        {"step": [20, 40], "loss_discriminator": [0.7, 0.6], "loss_generator": [0.7, 0.8]}
    )
    losses.to_csv(tmp_path / "losses.csv", index=False)
    pd.DataFrame({"step": [40], "cas": [0.9]}).to_csv(tmp_path / "validation.csv", index=False)
    return tmp_path


def page(history: Path, synthetic: int) -> str:
    draw = np.random.default_rng(0)
    rows = [
        (repeat, "k-nn", arm, split, metric, name, value + draw.normal(0, 0.01))
        for repeat in range(6)
        for arm, value in (("real", 0.8), ("smote", 0.82), ("gan", 0.9))
        for split in ("validation", "test")
        for metric, name in (("balanced_accuracy", ""), *(("recall", c) for c in CLASSES))
    ]
    columns = ["repeat", "classifier", "arm", "split", "metric", "class", "value"]
    repeats = pd.DataFrame(rows, columns=columns)

    def images(n: int) -> table.Images:
        pixels = draw.integers(0, 256, (n, 3, 16, 16), np.uint8)
        return table.Images(pixels, np.arange(n) % 2, CLASSES, pd.DataFrame())

    return render(
        verdicts(repeats, 0.5),
        repeats,
        images(30),
        images(synthetic),
        history,
        EvaluateParams(),
        {"generator": "abc"},
    )


def test_the_verdict_comes_first(history: Path) -> None:
    html = page(history, 20)
    assert html.index("The synthetic images help") < html.index("gan helps: +") < html.index("<h2>")


def test_it_is_self_contained_and_needs_no_script(history: Path) -> None:
    html = page(history, 20)
    for reference in ("http:", "https:", "<script", "<link", 'src="/'):
        assert reference not in html
    assert html.count("<img") == html.count('src="data:image/png;base64,') == 2
    assert html.count("alt=") == 2


def test_names_of_classes_are_text(history: Path) -> None:
    html = page(history, 20)
    assert "<b>dog</b>" not in html
    assert "&lt;b&gt;dog&lt;/b&gt;" in html


def test_a_plan_without_synthetic_images_has_no_empty_picture(history: Path) -> None:
    assert page(history, 0).count("<img") == 1
