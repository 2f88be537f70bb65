"""The report: one self-contained HTML page, verdict first."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.params import EvaluateParams
from pipeline.sheet import contact_sheet
from pipeline.table import Images

SHEET_COLUMNS = 12
CURVE = (600.0, 160.0)
"""Size of a training curve, in the units of its drawing."""


def render(
    verdict: dict[str, Any],
    repeats: pd.DataFrame,
    real: Images,
    synthetic: Images,
    history: Path,
    params: EvaluateParams,
    provenance: dict[str, str],
) -> str:
    """Return the page as HTML; it needs no network and no script.

    Args:
        verdict: as made by `evaluation.verdict.verdicts`.
        repeats: the tidy table of scores.
        real: the train split.
        synthetic: data/synthetic.
        history: folder of losses.csv, validation.csv and samples/.
        params: the section `evaluate`.
        provenance: hashes of what went in, by name.
    """
    environment = Environment(
        loader=PackageLoader("pipeline", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["zip"] = zip
    test = repeats[repeats["split"] == "test"]
    classifiers = list(verdict["classifiers"])
    scores = test[test["metric"] == "balanced_accuracy"]
    return environment.get_template("report.html.j2").render(
        overall=verdict["overall"],
        verdicts=verdict["classifiers"],
        arms=_arm_rows(scores, verdict["overall"], classifiers),
        classifiers=classifiers,
        recalls=_recall_rows(test, verdict["overall"]),
        recall_arms=_compared(verdict["overall"]),
        counts=list(zip(real.classes, real.counts(), synthetic.counts(), strict=True)),
        real_sheet=_sheet(real),
        synthetic_sheet=_sheet(synthetic),
        losses=_curves(history / "losses.csv", ["loss_discriminator", "loss_generator"]),
        validation=_curves(history / "validation.csv", ["cas"]),
        curve=CURVE,
        params=params,
        provenance=provenance,
    )


def _compared(overall: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(["real", overall["alternative"], overall["gan_arm"]]))


def _arm_rows(
    scores: pd.DataFrame, overall: dict[str, Any], classifiers: list[str]
) -> list[dict[str, Any]]:
    """Return a line an arm: its scores and where its mark stands on the chart, best first."""
    means = scores.groupby(["arm", "classifier"])["value"].mean()
    mean = scores.groupby(["repeat", "arm"])["value"].mean().unstack("arm")
    low, high = mean.min().min(), mean.max().max()
    span = max(high - low, 1e-9)
    return [
        {
            "name": arm,
            "mean": mean[arm].mean(),
            "scores": [means[arm, classifier] for classifier in classifiers],
            "mark": 100 * (mean[arm].mean() - low) / span,
            "from": 100 * (mean[arm].min() - low) / span,
            "to": 100 * (mean[arm].max() - low) / span,
            "role": {overall["gan_arm"]: "gan", overall["alternative"]: "alternative"}.get(arm, ""),
        }
        for arm in mean.mean().sort_values(ascending=False).index
    ]


def _recall_rows(test: pd.DataFrame, overall: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Return for each class the mean recall of the compared arms."""
    recall = test[test["metric"] == "recall"].groupby(["class", "arm"], sort=False)["value"].mean()
    names = test.loc[test["metric"] == "recall", "class"].unique()
    return [(str(n), [float(recall[n, arm]) for arm in _compared(overall)]) for n in names]


def _sheet(images: Images) -> str | None:
    """Return a row of images for each class that has any, as a data URL."""
    rows = []
    for label in np.unique(images.labels):
        of_class = images.pixels[images.labels == label][:SHEET_COLUMNS]
        blank = np.full((SHEET_COLUMNS - len(of_class), *of_class.shape[1:]), 255, np.uint8)
        rows.append(np.concatenate([of_class, blank]))
    if not rows:
        return None
    buffer = io.BytesIO()
    contact_sheet(np.concatenate(rows), SHEET_COLUMNS).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _curves(path: Path, columns: list[str]) -> dict[str, Any]:
    """Return polylines of some columns of a history file, scaled to the chart."""
    frame = pd.read_csv(path)
    low, high = frame[columns].min().min(), frame[columns].max().max()
    x = frame["step"] / frame["step"].max() * CURVE[0]
    lines = {
        name: " ".join(
            f"{a:.1f},{b:.1f}"
            for a, b in zip(x, (high - frame[name]) / max(high - low, 1e-9) * CURVE[1], strict=True)
        )
        for name in columns
    }
    return {"lines": lines, "low": low, "high": high, "steps": int(frame["step"].max())}
